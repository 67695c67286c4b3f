"""Needs of screen readers and low vision, checked in the page itself and without a network."""

NAMES = """() => {
  const shown = (e) => e.offsetParent !== null || e.getClientRects().length > 0;
  const named = (e) => (e.getAttribute('aria-label') || e.title || e.innerText || '').trim()
    || [...(e.labels || [])].some((l) => l.innerText.trim())
    || (e.getAttribute('aria-labelledby') || '').split(' ').some((i) => {
      const by = document.getElementById(i); return by && by.innerText.trim(); });
  return [...document.querySelectorAll('button, input, textarea, select, a[href], [role=tab]')]
    .filter((e) => shown(e) && e.type !== 'hidden' && e.type !== 'file' && !named(e))
    .map((e) => e.outerHTML.slice(0, 160));
}"""
"""Controls without an accessible name."""

CONTRAST = """(selectors) => {
  const lum = (c) => { const [r, g, b] = c.map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (css) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const behind = (e) => { const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const c = rgba(getComputedStyle(at).backgroundColor); if (c[3]) layers.push(c);
      if (c[3] === 255) break; }
    return layers.reverse().reduce((under, c) => under.map((v, i) =>
      v + (c[i] - v) * c[3] / 255), [255, 255, 255]); };
  const found = [];
  for (const e of document.querySelectorAll(selectors)) {
    if (!e.getClientRects().length || !e.innerText?.trim()) continue;
    const [a, b] = [lum(rgba(getComputedStyle(e).color).slice(0, 3)), lum(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${e.outerHTML.slice(0, 140)}`);
  }
  return found;
}"""
"""Texts with a contrast of less than 4.5:1 to their background."""

OURS = (
    ".note, .badge, .fresh, .lead, .why, .facts, .score, .legend, .words, .words mark, .card p, "
    "figcaption, "
    ".card h4, section h3, .bar .name, .bar .value, header h1, header p, .fact dt, .fact dd, "
    "blockquote, .scroll th, .scroll td, button.primary, button.secondary, [role=tab]"
)
"""Elements that the page draws itself, and buttons."""

STRUCTURE = """() => {
  const wrong = [];
  if (!document.title.trim()) wrong.push('no title');
  if (document.documentElement.lang !== 'en') wrong.push('no language');
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
  // plotly names parts of its own drawings, and its styles, once for each plot
  const ids = [...document.querySelectorAll('[id]')].filter((e) => !e.closest('svg, style'))
    .map((e) => e.id).filter((i) => i);
  const twice = ids.filter((i, at) => ids.indexOf(i) !== at);
  if (twice.length) wrong.push(`ids twice: ${[...new Set(twice)].slice(0, 5)}`);
  for (const image of document.querySelectorAll('img:not([alt])')) wrong.push(image.outerHTML);
  const silent = '[role=img]:not([aria-label]):not([aria-hidden=true])';
  for (const role of document.querySelectorAll(silent))
    wrong.push(role.outerHTML);
  if (!document.querySelector('.live[aria-live=polite]')) wrong.push('nothing is announced');
  return wrong;
}"""


def flaws(page):
    """Accessibility errors of the visible page."""
    return [
        *page.evaluate(STRUCTURE),
        *page.evaluate(NAMES),
        *page.evaluate(CONTRAST, OURS),
    ]
