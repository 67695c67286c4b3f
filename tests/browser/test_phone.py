"""Every tab on a phone: nothing sticks out, and every field can be read and filled."""

import pytest

pytestmark = pytest.mark.timeout(900)
TEXT = "The hinge snapped after three weeks and support never answered."
PHONE = {"width": 375, "height": 740}
_ALIGNED = """() => {
  const main = document.querySelector('header').getBoundingClientRect();
  const parts = '.note, .scroll, button.primary, button.secondary, .table-wrap, .cards, textarea';
  return [...document.querySelectorAll(parts)]
    .filter((e) => e.getClientRects().length && !e.closest('[role=tablist], .scroll *'))
    .map((e) => [e.outerHTML.slice(0, 120), e.getBoundingClientRect()])
    .filter(([, box]) => box.left < main.left - 1 || box.right > main.right + 1)
    .map(([html, box]) => `${box.left}..${box.right} of ${main.left}..${main.right} ${html}`);
}"""
"""Parts that are not between the edges of the page's heading."""
_NARROW = """() => [...document.querySelectorAll('.block')]
  .filter((e) => e.getClientRects().length && e.querySelector('input, textarea')
    && !e.querySelector('.block') && e.getBoundingClientRect().width < 250)
  .map((e) => `${e.getBoundingClientRect().width} ${e.innerText.slice(0, 40)}`)"""
"""Fields that do not have the whole width."""


def open_everything(tab):
    """Open the folded parts of a tab."""
    for button in tab.page.locator("button.label-wrap >> visible=true").all():
        button.click()
    tab.page.wait_for_timeout(300)


TABS = {
    "Overview": "#overview section >> text=What costs most",
    "Analyze": "#analyze-button",
    "Explore": "#search-button",
    "Trends": "#segments table",
    "Products": "#league >> text=Wren >> visible=true",
    "Upload": "#dump",
}
"""Tabs, and what shows that they are loaded."""


@pytest.mark.parametrize("dark", [False, True])
def test_all_tabs_fit_a_phone(visit, home, dark):
    tab = visit(home.url, dark=dark, **PHONE)
    for name, loaded in TABS.items():
        tab.tab(name)
        tab.wait_for(loaded)
        open_everything(tab)
        tab.picture(f"phone-{name.lower()}-{'dark' if dark else 'light'}")
        assert tab.page.evaluate(_NARROW) == [], name
        assert tab.page.evaluate(_ALIGNED) == [], name
        assert tab.width() == 0, name
        assert tab.page.evaluate("document.body.classList.contains('dark')") is dark, name


def test_a_long_word_does_not_widen_the_analysis(visit, home):
    tab = visit(home.url, **PHONE)
    tab.page.fill("#analyze-text textarea", f"{TEXT} {'w' * 400}")
    tab.page.click("#analyze-button")
    tab.wait_for("#analysis .verdict")
    tab.picture("phone-analysis")
    assert tab.page.evaluate(_ALIGNED) == []
    assert tab.width() == 0


def test_stored_reviews_are_browsed_on_a_phone(visit, home):
    tab = visit(home.url, **PHONE).tab("Explore")
    tab.page.get_by_role("tab", name="Browse").click()
    tab.page.click("#browse-button")
    tab.wait_for("#browse-results .card")
    open_everything(tab)
    tab.picture("phone-browse")
    assert tab.page.evaluate(_NARROW) == []
    assert tab.page.evaluate(_ALIGNED) == []
    assert tab.width() == 0


def test_a_product_is_chosen_and_read_on_a_phone(visit, home):
    tab = visit(home.url, **PHONE).tab("Trends")
    tab.wait_for("#trend >> text=net sentiment")
    tab.page.locator("#trends-product input").click()
    tab.page.get_by_role("option", name="Wren Folding Headphones").click()
    tab.wait_for("#trend-proof .card")
    box = tab.page.locator("#trends-product input")
    assert box.evaluate("(e) => e.scrollWidth <= e.clientWidth"), box.input_value()
    tab.tab("Products")
    tab.page.locator("#league >> text=Wren Folding Headphones >> visible=true").first.click()
    tab.wait_for("#product .card.aspect")
    tab.picture("phone-product")
    assert tab.page.evaluate(_ALIGNED) == []
    assert tab.width() == 0
