"""Tab Explore: reviews by meaning, and stored reviews page by page."""

import re
from contextlib import suppress
from typing import Any, get_args

import gradio as gr

from frontend_space import markup
from frontend_space.backend import Backend, client_of
from frontend_space.problems import PageError
from frontend_space.tabs import paging
from frontend_space.tabs.frame import HIDDEN, showing_errors
from frontend_space.tabs.pictures import chosen_picture, picture_fields, picture_html
from frontend_space.why import reason
from reviewlens import ApiError, Client
from reviewlens.models import (
    MAX_TEXT_CHARACTERS,
    Mismatch,
    Opinion,
    PicturePreview,
    ReviewPage,
)

ANY = "any"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PAGE_SIZE = 10
_SENTIMENTS = [ANY, *markup.LABELS]


def build(backend: Backend) -> None:
    """Draw the tab."""
    with gr.Tabs():
        with gr.Tab("Search"):
            _search_part(backend)
        with gr.Tab("Browse"):
            _browse_part(backend)


def _filters(*, stored: bool = False) -> list[gr.components.Component]:
    """Draw the filters of a search, and of stored reviews the one by who disagrees."""
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
            *([gr.Dropdown([*_MISMATCHES], value=ANY, label="Who disagrees")] if stored else []),
        ]


def _search_part(backend: Backend) -> None:
    query = gr.Textbox(
        label="What are you looking for?",
        placeholder="the hinge broke",
        max_length=MAX_TEXT_CHARACTERS,
        elem_id="search-text",
    )
    picture = picture_fields("search", "Reviews of such a thing")
    filters = _filters()
    top = gr.Slider(1, 50, value=10, step=1, label="How many")
    button = gr.Button("Search", variant="primary", elem_id="search-button")
    start = "Search finds reviews with a similar meaning, also in other words."
    results = gr.HTML(markup.note(start, "empty"), elem_id="search-results", elem_classes=["live"])

    @showing_errors()
    def search(text: str, file: str | None, address: str, how_many: float, *inputs: Any) -> str:
        picture, filters = chosen_picture(file, address), filters_of(*inputs)
        return search_html(client_of(backend), text or "", int(how_many), filters, picture)

    inputs = [query, *picture, top, *filters]
    gr.on([button.click, query.submit], search, inputs, results, concurrency_id="reads", **HIDDEN)


def _browse_part(backend: Backend) -> None:
    filters = _filters(stored=True)
    button = gr.Button("Show newest", variant="primary", elem_id="browse-button")
    page = gr.HTML(
        markup.note("Stored reviews come newest first.", "empty"),
        elem_id="browse-results",
        elem_classes=["live"],
    )
    with gr.Row():
        pages = paging.PageButtons("browse")

    @showing_errors(4, others=gr.skip())
    def show(place: paging.Place, *inputs: Any) -> tuple[Any, ...]:
        *others, stars = inputs
        filters = {_STORED.get(name, name): value for name, value in filters_of(*others).items()}
        filters["mismatch"] = _MISMATCHES.get(stars)
        client = client_of(backend)
        answer = client.reviews(**filters, limit=_PAGE_SIZE).page(place.position)
        html = markup.cards(stored_cards(client, answer), "No stored review passes these filters.")
        return html + markup.fresh(answer.freshness), *paging.shown(place, answer.next_cursor)

    pages.connect([button.click], show, filters, [page], concurrency_id="reads", **HIDDEN)


def stored_cards(client: Client, page: ReviewPage) -> list[str]:
    """Cards of stored reviews with their pictures; without the index, they have none."""
    pictures: dict[str, PicturePreview] = {}
    if pictured := [each.review_id for each in page.reviews if each.pictures]:
        with suppress(ApiError):
            pictures = client.review_pictures(pictured).pictures
    return [markup.card(each, picture=pictures.get(each.review_id)) for each in page.reviews]


_MISMATCHES: dict[str, bool | Mismatch | Opinion | None] = {
    ANY: None,
    "some contradict each other": True,
    "none, or not known": False,
    **{kind.replace("_", " "): kind for kind in get_args(Mismatch)},
    **{f"{who} against both others": who for who in get_args(Opinion)},
}
_STORED = {"date_from": "first_day", "date_to": "last_day"}
"""Filters of a search whose names differ for stored reviews."""


def filters_of(
    product: str, sentiment: str, low: float, high: float, first: str, last: str
) -> dict[str, Any]:
    """The filters of a search that are set.

    Raises:
        PageError: a day is not valid, or the stars are in the wrong order.
    """
    if low > high:
        raise PageError("“Stars from” is above “Stars to”.")
    for value in (first, last):
        if (value or "").strip() and not _DAY.fullmatch(value.strip()):
            raise PageError("Days are written like 2026-03-16.")
    filters = {
        "product_id": (product or "").strip(),
        "sentiment": "" if sentiment == ANY else sentiment,
        "min_rating": low if low > 1 else None,
        "max_rating": high if high < 5 else None,
        "date_from": (first or "").strip(),
        "date_to": (last or "").strip(),
    }
    return {name: value for name, value in filters.items() if value}


def search_html(
    client: Client, text: str, top: int, filters: dict[str, Any], picture: dict[str, Any]
) -> str:
    """Results as cards, each with its score and the reason why it matches the text."""
    text = text.strip()
    if not text and not picture:
        return markup.note("Write what you are looking for, or choose a picture.", "empty")
    query: dict[str, Any] = {"filters": filters, "picture_preview": True, **picture}
    answer = client.search(text or None, top_k=top, **query)
    cards = [
        markup.card(
            result, why=reason(text, result.review_text, None, result.sentiment) if text else ""
        )
        for result in answer.results
    ]
    index = f"Index {answer.index_version}." if answer.index_version else "There is no index yet."
    return (
        markup.warnings(answer.warnings)
        + picture_html(answer)
        + markup.cards(cards, "No review passes these filters.")
        + f'<p class="fresh">{markup.safe(index)}</p>'
    )
