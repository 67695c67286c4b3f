"""Tab Analyze: sentiment of a text, the words that moved it, its sentences, and similar reviews."""

from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.backend import Backend, client_of
from frontend_space.tabs.frame import HIDDEN, showing_errors
from frontend_space.tabs.pictures import chosen_picture, picture_fields, picture_html
from frontend_space.why import reason
from reviewlens import Client
from reviewlens.models import MAX_TEXT_CHARACTERS, AnalyzeResponse, Sentiment

MAX_LINK = 1500
"""Characters of a text in a link: browsers and proxies cut longer addresses."""
EXAMPLES = (
    "The hinge cracked after three weeks and I want a refund.",
    "Lovely sound, and the battery lasts for days. Best money I have spent this year.",
    "It is okay. Not great, not terrible, about what I expected for the price.",
    "I liked the sound, but the hinge broke within a month. A waste of money.",
)
_SHARE = f"""async (text) => {{
  const note = (sentence) => `<p class="note info" role="status">${{sentence}}</p>`;
  if (text.trim() === "") return ["", note("Write a text first.")];
  if (text.length > {MAX_LINK})
    return ["", note("This text is too long for a link ({MAX_LINK:,} characters at most).")];
  const link = location.origin + location.pathname + "?text=" + encodeURIComponent(text);
  try {{ await navigator.clipboard.writeText(link); }}
  catch {{ return [link, note("Copy this link. It opens this page and analyses the text.")]; }}
  return [link, note("The link is copied. It opens this page and analyses the text.")];
}}"""
"""Copying needs a secure page (https, or this machine) and the permission of the browser."""
_STRONG, _CLEAR, _SLIGHT = 1.0, 0.4, 0.15
"""Log odds from which on a word is marked strongly, clearly, or at all."""
_NO_STARS = "not given"
_STARS = [_NO_STARS, "1 star", "2 stars", "3 stars", "4 stars", "5 stars"]
_SURE = "From this confidence on, labels are right as often as the model card says."


def build(backend: Backend, page: gr.Blocks) -> None:
    """Draw the tab; a shared link fills in its text when the page is loaded, and analyses it."""
    text = gr.Textbox(
        label="A review, or any text of a customer",
        placeholder="The hinge snapped after three weeks…",
        lines=4,
        max_length=MAX_TEXT_CHARACTERS,
        elem_id="analyze-text",
    )
    picture = picture_fields("analyze", "Beside the text")
    stars = gr.Dropdown(_STARS, value=_NO_STARS, label="Stars of the review", elem_id="stars")
    with gr.Row():
        button = gr.Button("Analyze", variant="primary", elem_id="analyze-button")
        link = gr.Button("Link to this text", variant="secondary", elem_id="share-button")
    with gr.Column(visible=False) as sharing:
        said = gr.HTML("", elem_id="share-note", elem_classes=["live"])
        shared = gr.Textbox(label="Link", interactive=False, buttons=["copy"], elem_id="share-link")
    gr.Examples([[text] for text in EXAMPLES], inputs=[text], label="Examples", **HIDDEN)
    answer = gr.HTML(
        markup.note("Write a text, or choose an example, and press Analyze.", "empty"),
        elem_id="analysis",
        elem_classes=["live"],
    )

    @showing_errors()
    def show(
        content: str, file: str | None = None, address: str = "", stars: str = _NO_STARS
    ) -> str:
        more = chosen_picture(file, address)
        if stars in _STARS[1:]:
            more["rating"] = float(_STARS.index(stars))
        return analysis_html(client_of(backend), content or "", more)

    def show_shared(content: str, request: gr.Request) -> Any:
        return show(content) if is_shared(request) else gr.skip()

    event: dict[str, Any] = {"concurrency_id": "reads", **HIDDEN}
    button.click(show, [text, *picture, stars], answer, **event)
    link.click(lambda: gr.Column(visible=True), None, sharing, **HIDDEN).then(
        None, [text], [shared, said], js=_SHARE, **HIDDEN
    )
    opened = page.load(shared_text, None, text, show_progress="hidden", queue=False, **HIDDEN)
    opened.then(show_shared, text, answer, **event)


def analysis_html(client: Client, text: str, more: dict[str, Any]) -> str:
    """The analysis of a text; more has its picture and its stars, if there are any."""
    if not text.strip() and not {"image_url", "image_data"} & set(more):
        return markup.note("There is no text yet. Write one above.", "empty")
    answer = client.analyze(text if text.strip() else None, picture_preview=True, **more)
    return (
        _verdict(answer)
        + markup.warnings(answer.warnings)
        + picture_html(answer)
        + _words(text, answer)
        + _sentences(text, answer)
        + _similar(text, answer)
        + _versions(answer)
    )


def _verdict(answer: AnalyzeResponse) -> str:
    if answer.confidence is None or answer.probabilities is None:
        # without a language, there is no text that could be in one
        badge = markup.badge(None, analysed=True) if answer.language else ""
        return (
            f'<section class="verdict"><h3>{badge}</h3>'
            f"{_disagreement(answer)}<p>{markup.safe(answer.summary)}</p></section>"
        )
    sure = f"{100 * answer.confidence:.0f}% confidence, {'sure' if answer.sure else 'not sure'}"
    meaning = f' title="{_SURE}"' if answer.sure else ""
    return (
        f'<section class="verdict"><h3>{markup.badge(answer.sentiment)}'
        f" <span{meaning}>{sure}</span></h3>"
        + ("<p>Mixed: praise and complaint.</p>" if answer.mixed else "")
        + _disagreement(answer)
        + f"<p>{markup.safe(answer.summary)}</p>"
        + markup.bars(answer.probabilities, "Probability of each sentiment")
        + "</section>"
    )


def _disagreement(answer: AnalyzeResponse) -> str:
    """Who disagrees, and what a picture says of itself."""
    said = ""
    if answer.picture_opinion is not None:
        opinion = answer.picture_opinion
        sure = "sure" if opinion.sure else "not sure"
        said = f"<p>The picture alone: {markup.badge(opinion.sentiment)} {sure}.</p>"
    who = markup.disagreement(answer)
    return f"{said}<p>Who disagrees: {who}.</p>" if who else said


def _words(text: str, answer: AnalyzeResponse) -> str:
    """The text, with the words that moved its sentiment; nothing if the model does not say."""
    if not answer.words or answer.sentiment is None:
        return ""
    drawn, at = "", 0
    for word in answer.words:
        drawn += markup.safe(text[at : word.start])
        drawn += _word(text[word.start : word.end], word.weight, answer.sentiment)
        at = word.end
    drawn += markup.safe(text[at:])
    strongest = sorted(answer.words, key=lambda word: -abs(word.weight))[:3]
    listing = ", ".join(
        f"“{markup.cut(text[word.start : word.end], 40)}”"
        for word in strongest
        if abs(word.weight) >= _SLIGHT
    )
    legend = (
        f'<p class="legend"><mark class="for s2">speaks for {answer.sentiment}</mark>'
        ' <mark class="against s2">speaks against</mark> '
        + markup.safe(f"Most weight: {listing}." if listing else "No single word decides.")
        + "</p>"
    )
    return markup.section("Words that moved the sentiment", f'<p class="words">{drawn}</p>{legend}')


def _word(text: str, weight: float, label: Sentiment) -> str:
    size = abs(weight)
    if size < _SLIGHT:
        return markup.safe(text)
    strength = "s3" if size >= _STRONG else "s2" if size >= _CLEAR else "s1"
    side = "for" if weight > 0 else "against"
    return f'<mark class="{side} {strength}" title="{side} {label}">{markup.safe(text)}</mark>'


def _sentences(text: str, answer: AnalyzeResponse) -> str:
    """Each sentence with its sentiment, if there are several."""
    sentences = answer.sentences or []
    if len(sentences) < 2:
        return ""
    rows = "".join(
        f"<li>{markup.badge(each.sentiment)} {markup.safe(text[each.start : each.end])}</li>"
        for each in sentences
    )
    return markup.section("Sentence by sentence", f'<ul class="sentences">{rows}</ul>')


def _similar(text: str, answer: AnalyzeResponse) -> str:
    cards = [
        markup.card(near, why=reason(text, near.review_text, answer.sentiment, near.sentiment))
        for near in answer.similar_reviews
    ]
    empty = "There are no similar reviews yet."
    return markup.section("Similar reviews", markup.cards(cards, empty))


def _versions(answer: AnalyzeResponse) -> str:
    index = f", index {answer.index_version}" if answer.index_version else ""
    return f'<p class="fresh">{markup.safe(f"Model {answer.model_version}{index}.")}</p>'


def shared_text(request: gr.Request) -> Any:
    """The text of a shared link, cut to the length of such links; without one nothing changes."""
    return _text_of(request) or gr.skip()


def is_shared(request: gr.Request) -> bool:
    """Whether the address is a link to a text."""
    return bool(_text_of(request).strip())


def _text_of(request: gr.Request) -> str:
    return str(request.query_params.get("text", ""))[:MAX_LINK]
