"""Tab Analyze: sentiment of a text, what decided it, and reviews like it."""

from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.answers import Analysis
from frontend_space.backend import Backend, asked
from frontend_space.client import MAX_TEXT, Client
from frontend_space.occlusion import Piece, weigh
from frontend_space.problems import ApiError
from frontend_space.tabs.frame import HIDDEN, told
from frontend_space.why import reason

MAX_LINK = 1500
"""Characters of a text that a link may carry: browsers and proxies cut longer addresses."""
EXAMPLES = (
    "The hinge snapped after three weeks and support never answered. Never again.",
    "Lovely sound, and the battery lasts for days. Best money I have spent this year.",
    "It does what it says. Nothing special, arrived on time.",
    "Great zoom, but the strap broke on day one and the case smells of glue.",
)
_PICTURE = "This model reads text only: the picture stays here and has no part in the answer."
_SHARE = f"""(text) => text.trim() === "" ? "Write a text first." : text.length > {MAX_LINK}
  ? "This text is too long for a link ({MAX_LINK:,} characters at most)."
  : location.origin + location.pathname + "?text=" + encodeURIComponent(text)"""
_STRONG, _CLEAR, _SLIGHT = 0.15, 0.05, 0.015


def build(backend: Backend) -> gr.Textbox:
    """Draw the tab; returns the text, which a shared link fills in."""
    text = gr.Textbox(
        label="A review, or any text of a customer",
        placeholder="The hinge snapped after three weeks…",
        lines=4,
        max_length=MAX_TEXT,
        elem_id="analyze-text",
    )
    with gr.Row():
        button = gr.Button("Analyze", variant="primary", elem_id="analyze-button")
        link = gr.Button("Link to this text", variant="secondary", elem_id="share-button")
    shared = gr.Textbox(
        label="Link", visible=False, interactive=False, buttons=["copy"], elem_id="share-link"
    )
    gr.Examples([[one] for one in EXAMPLES], inputs=[text], label="Try one", **HIDDEN)
    with gr.Accordion("Add a picture", open=False):
        address = gr.Textbox(label="Address of a picture (https://…)", max_length=2048)
        picture = gr.Image(
            label="Or upload one",
            type="filepath",
            sources=["upload"],
            height=180,
            elem_id="picture",
        )
        remark = gr.HTML(markup.note(_PICTURE))
    answer = gr.HTML(
        markup.note("Write a text, or choose an example, and press Analyze.", "empty"),
        elem_id="analysis",
        elem_classes=["live"],
    )

    @told()
    def show(what: str, image: str) -> str:
        return analysis_html(asked(backend), what or "", (image or "").strip() or None)

    event: dict[str, Any] = {"concurrency_id": "reads", **HIDDEN}
    gr.on([button.click], show, [text, address], answer, **event)
    link.click(lambda: gr.Textbox(visible=True), None, shared, **HIDDEN).then(
        None, [text], [shared], js=_SHARE, **HIDDEN
    )
    # the picture is no input of any handler: the server never opens it
    picture.upload(lambda: markup.note(_PICTURE, "warning"), None, remark, **HIDDEN)
    return text


def analysis_html(client: Client, text: str, image_url: str | None) -> str:
    """Everything that is shown of one text."""
    if not text.strip():
        return markup.note("There is no text yet. Write one above.", "empty")
    found = client.analyze(text, image_url=image_url)
    return (
        _verdict(found)
        + markup.warnings(found.warnings)
        + _words(client, text, found.sentiment)
        + _similar(text, found)
        + _made_by(found)
    )


def _verdict(found: Analysis) -> str:
    return (
        f'<section class="verdict"><h3>{markup.badge(found.sentiment)}'
        f" <span>{100 * found.confidence:.0f}% sure</span></h3><p>{markup.safe(found.summary)}</p>"
        + markup.bars(found.probabilities, "Probability of each sentiment")
        + "</section>"
    )


def _words(client: Client, text: str, label: str) -> str:
    if label not in markup.LABELS:
        return ""
    try:
        pieces = weigh(text, label, client.analyze_batch)
    except ApiError as error:
        return markup.note(str(error), "warning")
    if not pieces:
        return ""
    drawn = "".join(_piece(piece, label) for piece in pieces)
    best = sorted((p for p in pieces if p.weight), key=lambda p: -abs(p.weight or 0))[:3]
    said = ", ".join(
        f"“{markup.cut(p.text, 40)}” ({100 * (p.weight or 0):+.0f} points)" for p in best
    )
    legend = (
        f'<p class="legend"><mark class="for s2">speaks for {label}</mark>'
        ' <mark class="against s2">speaks against</mark> '
        + markup.safe(f"Most weight: {said}." if said else "No word alone decides.")
        + "</p>"
    )
    return markup.section("Words that moved the decision", f'<p class="words">{drawn}</p>{legend}')


def _piece(piece: Piece, label: str) -> str:
    text, weight = markup.safe(piece.text), piece.weight or 0.0
    size = abs(weight)
    if size < _SLIGHT:
        return text
    strength = "s3" if size >= _STRONG else "s2" if size >= _CLEAR else "s1"
    side, word = ("for", "for") if weight > 0 else ("against", "against")
    title = f"{100 * size:.0f} points {word} {label}"
    return f'<mark class="{side} {strength}" title="{title}">{text}</mark>'


def _similar(text: str, found: Analysis) -> str:
    drawn = [
        markup.card(near, why=reason(text, near.text, found.sentiment, near.sentiment))
        for near in found.similar_reviews
    ]
    empty = "No similar reviews are there yet."
    return markup.section("Similar reviews", markup.cards(drawn, empty))


def _made_by(found: Analysis) -> str:
    index = f", reviews of index {found.index_version}" if found.index_version else ""
    return f'<p class="fresh">{markup.safe(f"Model {found.model_version}{index}.")}</p>'


def shared_text(request: gr.Request) -> Any:
    """The text of a shared link, no longer than such a link may be; else what is there stays."""
    return str(request.query_params.get("text", ""))[:MAX_LINK] or gr.skip()
