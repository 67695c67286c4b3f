"""Tab Trends: reviews over time, the day of a change, and the products that changed most."""

from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.backend import Backend, client_of
from frontend_space.causes import explanation_html
from frontend_space.plots import sentiment_plot, stars_plot
from frontend_space.problems import describe
from frontend_space.tabs.frame import HIDDEN, showing_errors
from frontend_space.tabs.picking import filled, filled_segments, product_picker, segment_picker
from reviewlens import ApiError, Client
from reviewlens.models import (
    NO_CHANGE,
    Change,
    Mover,
    Movers,
    SegmentKind,
    Segments,
    Trend,
)

_MAX_PROOFS = 5
_MAX_SEGMENTS = 30
_SMALLEST_P_VALUE = 0.001


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

    @showing_errors(4, others=gr.skip())
    def show(product_id: str, name: str, origin: str, step: Any) -> tuple[str, Any, Any, str]:
        client = client_of(backend)
        trend = client.trends(
            product_id=product_id or None,
            category=name or None,
            source=origin or None,
            interval=step,
        )
        if not trend.totals.reviews and not trend.points:
            empty = markup.note("There are no reviews for this choice yet.", "empty")
            return empty, gr.Plot(visible=False), gr.Plot(visible=False), ""
        analysed = any(point.sentiment_shares for point in trend.points)
        rated = any(point.mean_rating is not None for point in trend.points)
        # an API of an earlier version has the largest change alone
        changes = trend.changes or ([trend.change] if trend.change else [])
        return (
            about_html(trend),
            gr.Plot(sentiment_plot(trend.points, changes), visible=analysed),
            gr.Plot(stars_plot(trend.points, changes), visible=rated),
            change_html(client, trend),
        )

    @showing_errors()
    def movers(name: str) -> str:
        answer = client_of(backend).movers(category=name or None, limit=20)
        return movers_html(answer) + markup.fresh(answer.freshness)

    @showing_errors(3, others=gr.skip())
    def by_segment(name: str, origin: str) -> tuple[str, Any, Any]:
        client = client_of(backend)
        categories, sources = client.segments("category"), client.segments("source")
        return (
            segments_html(categories, "category") + segments_html(sources, "source"),
            filled_segments(categories, "category", name),
            filled_segments(sources, "source", origin),
        )

    def fill(words: str, product_id: str) -> Any:
        return filled(backend, words, product_id)

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


def about_html(trend: Trend) -> str:
    """The totals of a trend, and how many reviews they are of."""
    totals = trend.totals
    parts = [
        f"{totals.reviews:,} reviews",
        f"net sentiment {markup.net(totals.net_sentiment)}",
        "" if totals.mean_rating is None else f"mean {totals.mean_rating:.2f} stars",
    ]
    line = ", ".join(part for part in parts if part)
    base = f"{markup.base(totals)}; {totals.rated:,} have stars."
    return (
        f'<p class="lead">{markup.safe(line)}</p><p class="fresh">{markup.safe(base)}</p>'
        f"{_undated(totals.undated, totals.reviews)}{markup.fresh(trend.freshness)}"
    )


def _undated(undated: int, reviews: int) -> str:
    if not undated:
        return ""
    if undated == reviews:
        return markup.note("None of these reviews has a date, so nothing can be drawn over time.")
    return markup.note(f"Reviews without a date, not in the plots: {undated:,}.")


def change_sentence(change: Change) -> str:
    """What changed, on which day, and how certain that is."""
    chance = "p < 0.001" if change.p_value < _SMALLEST_P_VALUE else f"p = {change.p_value:.3f}"
    before, after = markup.share(change.negative_before), markup.share(change.negative_after)
    return (
        f"{change.direction.capitalize()} since {markup.day(change.day)}: "
        f"{after} of {change.reviews_after:,} reviews are negative, "
        f"{before} of {change.reviews_before:,} were before ({chance})."
    )


def change_html(client: Client, trend: Trend) -> str:
    """A change, what explains it and reviews that prove it, or why none is shown."""
    change, explanation = trend.change, trend.explanation
    if change is None:
        return markup.note(NO_CHANGE[trend.change_status], "empty")
    note = markup.note(
        change_sentence(change), "warning" if change.direction == "worse" else "info"
    )
    head = markup.section("The change", note + _all_changes(trend)) + explanation_html(explanation)
    link = explanation.causes[0].reviews_link if explanation and explanation.causes else None
    try:
        reviews = client.linked_reviews(link or change.reviews_link, limit=_MAX_PROOFS).page()
    except ApiError as error:
        return head + markup.note(describe(error), "error")
    cards = [markup.card(review) for review in reviews.reviews]
    proof = markup.cards(cards, "These reviews are no longer stored.")
    return head + markup.section("Reviews that prove it", proof)


def _all_changes(trend: Trend) -> str:
    """A table of several changes; empty for a single one, which is a sentence already."""
    if len(trend.changes) < 2:
        return ""
    head = ("Direction", "Since", "Negative before → after")
    rows = map(_change_cells, trend.changes)
    return markup.table(head, rows, "All changes, each compared with the time since the last one")


def movers_html(answer: Movers) -> str:
    """Products that changed, the most certain first."""
    if not answer.products_tested:
        note = "No product has enough analysed reviews with dates to be tested for a change."
        return markup.section("What changed most", markup.note(note, "empty"))
    tested = f"{answer.products_tested:,} tested"
    if not answer.movers:
        note = f"No product changed by more than chance explains ({tested})."
        return markup.section("What changed most", markup.note(note, "empty"))
    head = ("Product", "Direction", "Since", "Negative before → after")
    table = markup.table(
        head, map(_mover_cells, answer.movers), f"Products that changed ({tested})"
    )
    return markup.section("What changed most", table)


def _mover_cells(mover: Mover) -> tuple[str, str, str, str]:
    title = markup.safe(mover.title or mover.product_id)
    name = f"<strong>{title}</strong><br><small>{markup.safe(mover.product_id)}</small>"
    return (name, *_change_cells(mover.change))


def _change_cells(change: Change) -> tuple[str, str, str]:
    """Direction, day and shares."""
    return (
        f'<span class="move {change.direction}">{change.direction}</span>',
        markup.safe(markup.day(change.day)),
        " → ".join(
            (
                f"{markup.share(change.negative_before)} of {change.reviews_before:,}",
                f"{markup.share(change.negative_after)} of {change.reviews_after:,}",
            )
        ),
    )


def segments_html(answer: Segments, by: SegmentKind) -> str:
    """Figures of each category, or of each source."""
    rows = [
        (
            markup.safe(segment.name or "none"),
            f"{segment.reviews:,}",
            f"{segment.analysed:,}",
            markup.net(segment.net_sentiment),
            markup.mean(segment.mean_rating),
            markup.share(segment.sentiment_shares.negative if segment.sentiment_shares else None),
        )
        for segment in answer.segments[:_MAX_SEGMENTS]
    ]
    head = (by.capitalize(), "Reviews", "Analysed", "Net", "Stars", "Negative")
    caption = f"Figures by {by}"
    if len(answer.segments) > len(rows):
        caption += f": the {len(rows)} with most reviews of {len(answer.segments):,}"
    table = markup.table(head, rows, caption) if rows else markup.note("None yet.", "empty")
    return markup.section(f"By {by}", table)
