"""Tab Trends: reviews over time, since when a product changed, and what moved most."""

from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.answers import Change, Mover, Segments, Trend
from frontend_space.backend import Backend, asked
from frontend_space.client import Client
from frontend_space.plots import sentiment_plot, stars_plot
from frontend_space.problems import ApiError
from frontend_space.tabs.frame import HIDDEN, told
from frontend_space.tabs.picking import (
    By,
    filled,
    filled_segments,
    product_picker,
    segment_picker,
)

_PROOF = 5
_SEGMENTS = 30
_TINY = 0.001


def build(backend: Backend, tab: gr.Tab) -> None:
    """Draw the tab; it is filled when it is opened."""
    with gr.Row():
        product, search = product_picker("trends")
        category = segment_picker("trends", "category")
        source = segment_picker("trends", "source")
    with gr.Row(elem_classes=["end"]):
        interval = gr.Radio(["day", "week", "month"], value="week", label="Interval", min_width=200)
        button = gr.Button("Show", variant="primary", elem_id="trends-button", min_width=120)
    answer = gr.HTML(markup.note("Loading…", "empty"), elem_id="trend", elem_classes=["live"])
    plot = gr.Plot(label="Reviews by sentiment", visible=False, elem_id="trend-sentiment")
    stars = gr.Plot(label="Mean stars", visible=False, elem_id="trend-stars")
    proof = gr.HTML("", elem_id="trend-proof")
    moved = gr.HTML("", elem_id="movers")
    parts = gr.HTML("", elem_id="segments")

    @told(4, others=gr.skip())
    def show(one: str, kind: str, origin: str, step: str) -> tuple[str, Any, Any, str]:
        client = asked(backend)
        found = client.trends(product_id=one, category=kind, source=origin, interval=step)
        if not found.totals.reviews and not found.points:
            empty = markup.note("No reviews are there for this choice yet.", "empty")
            return empty, gr.Plot(visible=False), gr.Plot(visible=False), ""
        return (
            _about(found),
            gr.Plot(sentiment_plot(found.points, found.change), visible=True),
            gr.Plot(stars_plot(found.points, found.change), visible=True),
            change_html(client, found.change),
        )

    @told()
    def movers(kind: str) -> str:
        found = asked(backend).movers(category=kind, limit=20)
        return movers_html(found.movers) + markup.fresh(found.freshness)

    @told(3, others=gr.skip())
    def by_segment(kind: str, origin: str) -> tuple[str, Any, Any]:
        client = asked(backend)
        categories, sources = client.segments("category"), client.segments("source")
        return (
            segments_html(categories, "category") + segments_html(sources, "source"),
            filled_segments(categories, "category", kind),
            filled_segments(sources, "source", origin),
        )

    def fill(words: str, one: str) -> Any:
        return filled(backend, words, one)

    inputs, outputs = [product, category, source, interval], [answer, plot, stars, proof]
    event: dict[str, Any] = {"concurrency_id": "reads", **HIDDEN}
    gr.on(
        [button.click, product.input, category.input, source.input, interval.input],
        show,
        inputs,
        outputs,
        **event,
    )
    gr.on([search.submit, search.blur], fill, [search, product], product, **event)
    category.input(movers, category, moved, **event)
    opened = tab.select(fill, [search, product], product, **event)
    opened.then(show, inputs, outputs, **event)
    tab.select(movers, category, moved, **event)
    tab.select(by_segment, [category, source], [parts, category, source], **event)


def _about(found: Trend) -> str:
    totals = found.totals
    parts = [
        f"{totals.reviews:,} reviews",
        f"net sentiment {markup.net(totals.net)}",
        "" if totals.mean_rating is None else f"mean {totals.mean_rating:.2f} stars",
    ]
    line = ", ".join(part for part in parts if part)
    return f'<p class="lead">{markup.safe(line)}</p>{markup.fresh(found.freshness)}'


def change_sentence(change: Change) -> str:
    """What changed, since when, and how sure that is."""
    chance = "p < 0.001" if change.p_value < _TINY else f"p = {change.p_value:.3f}"
    before, after = markup.share(change.negative_before), markup.share(change.negative_after)
    return (
        f"{change.direction.capitalize()} since {markup.day(change.day)}: "
        f"{after} of {change.reviews_after:,} reviews are negative, "
        f"{before} of {change.reviews_before:,} were before ({chance})."
    )


def change_html(client: Client, change: Change | None) -> str:
    """A change and reviews that prove it."""
    if change is None:
        return markup.note("No day stands out: the share of negative reviews is steady.", "empty")
    head = markup.note(
        change_sentence(change), "warning" if change.direction == "worse" else "info"
    )
    if not change.reviews_link:
        return head
    try:
        reviews = client.follow(change.reviews_link, limit=_PROOF).reviews
    except ApiError as error:
        return head + markup.note(str(error), "error")
    drawn = markup.cards(
        [markup.card(one) for one in reviews], "No review is behind this any more."
    )
    return markup.section("The change", head) + markup.section("Reviews that prove it", drawn)


def movers_html(movers: list[Mover]) -> str:
    """Products that changed, strongest first."""
    if not movers:
        told_ = "No product changed more than chance allows."
        return markup.section("What changed most", markup.note(told_, "empty"))
    rows = [
        (
            (
                f"<strong>{markup.safe(one.title or one.product_id)}</strong><br>"
                f"<small>{markup.safe(one.product_id)}</small>"
            ),
            (
                f'<span class="move {"worse" if one.change.direction == "worse" else "better"}">'
                f"{markup.safe(one.change.direction)}</span>"
            ),
            markup.safe(markup.day(one.change.day)),
            (
                f"{markup.share(one.change.negative_before)} → "
                f"{markup.share(one.change.negative_after)}"
            ),
        )
        for one in movers
    ]
    head = ("Product", "Direction", "Since", "Negative before → after")
    return markup.section("What changed most", markup.table(head, rows, "Products that changed"))


def segments_html(answer: Segments, by: By) -> str:
    """Figures of each category, or of each source."""
    found = answer.segments
    rows = [
        (
            markup.safe(one.name or "none"),
            f"{one.reviews:,}",
            markup.net(one.net),
            markup.mean(one.mean_rating),
            "n/a" if one.sentiment_shares is None else markup.share(one.sentiment_shares.negative),
        )
        for one in found[:_SEGMENTS]
    ]
    head = (by.capitalize(), "Reviews", "Net", "Stars", "Negative")
    caption = f"Figures by {by}"
    if len(found) > len(rows):
        caption += f": the {len(rows)} with most reviews of {len(found):,}"
    drawn = markup.table(head, rows, caption) if rows else markup.note("None yet.", "empty")
    return markup.section(f"By {by}", drawn)
