"""Tab Explore: reviews by meaning, and stored reviews page by page."""

import re
from typing import Any

import gradio as gr

from frontend_space import markup
from frontend_space.backend import Backend, asked
from frontend_space.client import MAX_TEXT, Client
from frontend_space.problems import RefusedError
from frontend_space.tabs.frame import HIDDEN, told
from frontend_space.why import reason

ANY = "any"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PAGE = 10
_SENTIMENTS = [ANY, *markup.LABELS]


def build(backend: Backend) -> None:
    """Draw the tab."""
    with gr.Tabs():
        with gr.Tab("Search by meaning"):
            _search_part(backend)
        with gr.Tab("Browse stored reviews"):
            _browse_part(backend)


def _filters() -> list[gr.components.Component]:
    with gr.Accordion("Filters", open=False), gr.Row():
        return [
            gr.Textbox(label="Product id", max_length=512, min_width=150),
            gr.Dropdown(_SENTIMENTS, value=ANY, label="Sentiment", min_width=150),
            gr.Slider(1, 5, value=1, step=1, label="Stars from", min_width=150),
            gr.Slider(1, 5, value=5, step=1, label="Stars to", min_width=150),
            gr.Textbox(
                label="From day (UTC)", placeholder="2026-03-16", max_length=10, min_width=150
            ),
            gr.Textbox(
                label="To day (UTC)", placeholder="2026-12-31", max_length=10, min_width=150
            ),
        ]


def _search_part(backend: Backend) -> None:
    query = gr.Textbox(
        label="What are you looking for?",
        placeholder="the hinge broke",
        max_length=MAX_TEXT,
        elem_id="search-text",
    )
    filters = _filters()
    top = gr.Slider(1, 50, value=10, step=1, label="How many")
    button = gr.Button("Search", variant="primary", elem_id="search-button")
    start = "Search finds reviews that mean the same, also in other words."
    results = gr.HTML(markup.note(start, "empty"), elem_id="search-results", elem_classes=["live"])

    @told()
    def search(text: str, how_many: float, *chosen: Any) -> str:
        return search_html(asked(backend), text or "", int(how_many), filters_of(*chosen))

    inputs = [query, top, *filters]
    gr.on([button.click, query.submit], search, inputs, results, concurrency_id="reads", **HIDDEN)


def _browse_part(backend: Backend) -> None:
    filters = _filters()
    with gr.Row():
        button = gr.Button("Show newest", variant="primary", elem_id="browse-button")
        more = gr.Button("Next page", interactive=False, elem_id="browse-more")
    cursor = gr.State(None)
    page = gr.HTML(
        markup.note("Stored reviews come newest first.", "empty"),
        elem_id="browse-results",
        elem_classes=["live"],
    )

    @told(3)
    def show(after: str | None, *chosen: Any) -> tuple[str, Any, Any]:
        kept = {_STORED.get(name, name): value for name, value in filters_of(*chosen).items()}
        found = asked(backend).reviews(**kept, limit=_PAGE, cursor=after)
        drawn = [markup.card(review) for review in found.reviews]
        html = markup.cards(drawn, "No stored review passes these filters.") + markup.fresh(None)
        return html, found.next_cursor, gr.Button(interactive=found.next_cursor is not None)

    def first(*chosen: Any) -> Any:
        return show(None, *chosen)

    out = [page, cursor, more]
    button.click(first, filters, out, concurrency_id="reads", **HIDDEN)
    more.click(show, [cursor, *filters], out, concurrency_id="reads", **HIDDEN)


_STORED = {"date_from": "from", "date_to": "to"}


def filters_of(
    product: str, sentiment: str, low: float, high: float, first: str, last: str
) -> dict[str, Any]:
    """Filters of a search, those that were chosen.

    Raises:
        RefusedError: a day is none, or the stars are the wrong way round.
    """
    if low > high:
        raise RefusedError("“Stars from” is above “Stars to”.")
    for value in (first, last):
        if (value or "").strip() and not _DAY.fullmatch(value.strip()):
            raise RefusedError("Days are written like 2026-03-16.")
    found = {
        "product_id": (product or "").strip(),
        "sentiment": "" if sentiment == ANY else sentiment,
        "min_rating": low if low > 1 else None,
        "max_rating": high if high < 5 else None,
        "date_from": (first or "").strip(),
        "date_to": (last or "").strip(),
    }
    return {name: value for name, value in found.items() if value}


def search_html(client: Client, text: str, top: int, filters: dict[str, Any]) -> str:
    """Results as cards, each with its score and why it is there."""
    if not text.strip():
        return markup.note("Write what you are looking for.", "empty")
    found = client.search(text, top=top, filters=filters)
    drawn = [
        markup.card(near, why=reason(text, near.text, None, near.sentiment))
        for near in found.results
    ]
    made = f"Index {found.index_version}." if found.index_version else "There is no index yet."
    return (
        markup.warnings(found.warnings)
        + markup.cards(drawn, "No review passes these filters.")
        + f'<p class="fresh">{markup.safe(made)}</p>'
    )
