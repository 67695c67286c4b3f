"""Tab Products: a league table, and one product in depth."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import gradio as gr

from frontend_space import markup
from frontend_space.backend import Backend, client_of
from frontend_space.causes import explanation_html, quote_html
from frontend_space.impact import against_category, impact_html
from frontend_space.problems import PageError, describe
from frontend_space.summary import summary_html
from frontend_space.tabs import paging
from frontend_space.tabs.frame import HIDDEN, showing_errors
from frontend_space.tabs.picking import filled_segments, segment_picker
from frontend_space.tabs.trends import change_sentence
from reviewlens import ApiError, Client
from reviewlens.models import Aspect, Compared, OneProduct, ProductFacts, ProductPage

_PAGE_SIZE = 25
_MAX_ROW_PIXELS = 100
"""Height of a row with a long title on a phone: the table must not scroll within the page."""
_FACTS = [name.capitalize() for name in ProductFacts.model_fields]
_OTHER_FACTS = [name for name in ProductFacts.model_fields if name != "category"]
"""Facts without figures of their own to choose from: filters are typed in."""
_FIGURES = ["Reviews", "Analysed", "Net", "Stars", "Negative"]
_HEAD = ["Product", *_FIGURES, "Changed since", *_FACTS, "Id"]
_TYPES: list[Literal["str", "number"]] = ["number" if head in _FIGURES else "str" for head in _HEAD]
_WIDTHS = {"Product": 220, "Reviews": 90, "Analysed": 95, "Net": 70, "Stars": 70, "Negative": 95}
_WIDTHS |= {"Changed since": 150}
_SORTS = [
    ("most reviews", "reviews"),
    ("net sentiment", "net_sentiment"),
    ("share negative", "negative_share"),
    ("mean stars", "mean_rating"),
    ("contradictions", "mismatches"),
]
_MAX_QUOTES = 3
_ID = _HEAD.index("Id")


def build(backend: Backend, tab: gr.Tab) -> None:
    """Draw the tab; it is filled when it is opened."""
    with gr.Row():
        search = gr.Textbox(label="Title or id contains", max_length=200, min_width=150)
        category = segment_picker("products", "category")
        others = [
            gr.Textbox(label=name.capitalize(), max_length=512, min_width=150)
            for name in _OTHER_FACTS
        ]
        sort = gr.Dropdown(_SORTS, value="reviews", label="Sort by", min_width=150)
        order = gr.Dropdown(
            [("highest first", "desc"), ("lowest first", "asc")],
            value="desc",
            label="Order",
            min_width=150,
        )
        minimum = gr.Number(1, label="Minimum reviews", minimum=0, precision=0, min_width=150)
    button = gr.Button("Show", variant="primary", elem_id="products-button")
    about = gr.HTML(markup.note("Loading…", "empty"), elem_id="products-about")
    league = gr.Dataframe(
        headers=_HEAD,
        datatype=_TYPES,
        interactive=False,
        label="Products: choose a row for details",
        max_height=_PAGE_SIZE * _MAX_ROW_PIXELS,
        column_widths=[_WIDTHS.get(head, 130) for head in _HEAD],
        elem_id="league",
    )
    with gr.Row():
        pages = paging.PageButtons("products")
    with gr.Row(elem_classes=["end"]):
        chosen = gr.Textbox(label="Product id", max_length=512, elem_id="product-id", min_width=200)
        look = gr.Button("Show details", elem_id="product-button", min_width=120)
    detail = gr.HTML("", elem_id="product", elem_classes=["live"])

    @showing_errors(5, others=gr.skip())
    def page(
        place: paging.Place, words: str, by: Any, way: Any, few: float, name: str, *typed: str
    ) -> Any:
        facts = dict(zip(_OTHER_FACTS, typed, strict=True)) | {"category": name}
        found = client_of(backend).products(
            search=(words or "").strip() or None,
            sort=by,
            order=way,
            min_reviews=int(few or 0) or None,
            limit=_PAGE_SIZE,
            **_given(facts),
        )
        answer = found.page(place.position)
        return _about(answer), rows_of(answer), *paging.shown(place, answer.next_cursor)

    @showing_errors()
    def show_details(product_id: str) -> str:
        return product_html(client_of(backend), (product_id or "").strip())

    def fill(chosen: str) -> Any:
        try:
            segments = client_of(backend).segments("category")
        except (ApiError, PageError):  # the table shows the error
            return gr.skip()
        return filled_segments(segments, "category", chosen)

    def row_id(event: gr.SelectData) -> str:
        return str(event.row_value[_ID])

    filters = [search, sort, order, minimum, category, *others]
    event: dict[str, Any] = {"concurrency_id": "reads", **HIDDEN}
    triggers = [button.click, search.submit, category.input, sort.input, order.input]
    triggers += [box.submit for box in others]
    pages.connect([*triggers, tab.select], page, filters, [about, league], **event)
    tab.select(fill, category, category, **event)
    league.select(row_id, None, chosen, **HIDDEN).then(show_details, chosen, detail, **event)
    gr.on([look.click, chosen.submit], show_details, chosen, detail, **event)


def _given(facts: dict[str, str]) -> dict[str, Any]:
    """Filters by facts, those that are filled in."""
    return {name: fact.strip() for name, fact in facts.items() if (fact or "").strip()}


def _about(answer: ProductPage) -> str:
    if not answer.products:
        return markup.note("No product passes these filters.", "empty")
    return markup.fresh(answer.freshness)


def rows_of(answer: ProductPage) -> list[list[Any]]:
    """Cells of the table: numbers in the columns that sort by number."""
    return [
        [
            product.title or product.product_id,
            product.reviews,
            product.analysed,
            None if product.net_sentiment is None else round(product.net_sentiment),
            None if product.mean_rating is None else round(product.mean_rating, 2),
            product.sentiment_shares and round(100 * product.sentiment_shares.negative),
            f"{product.change.direction} {product.change.day}" if product.change else "",
            *(getattr(product, name) or "" for name in ProductFacts.model_fields),
            product.product_id,
        ]
        for product in answer.products
    ]


def product_html(client: Client, product_id: str) -> str:
    """One product: figures, summary, aspects, copies and reviews; a failed part shows its error."""
    if not product_id:
        return markup.note("Choose a product in the table, or enter its id.", "empty")
    product = client.product(product_id)
    parts: dict[str, Callable[[Client, str], str]] = {
        "Summary": summary_html,
        "What people talk about": _aspects,
        "Copied reviews": _copies,
    }
    if product.mismatches:
        parts["Contradictions"] = _mismatches
    parts["Newest reviews"] = _newest
    return _figures(product) + "".join(
        _part(title, partial(draw, client, product_id)) for title, draw in parts.items()
    )


def _part(title: str, draw: Callable[[], str]) -> str:
    try:
        body = draw()
    except ApiError as error:
        body = markup.note(describe(error), "warning")
    return markup.section(title, body)


def _figures(product: OneProduct) -> str:
    facts = [
        ("reviews", f"{product.reviews:,}"),
        ("net sentiment", markup.net(product.net_sentiment)),
        ("mean stars", markup.mean(product.mean_rating)),
        ("contradictions", f"{product.mismatches:,}"),
        *((label.lower(), fact) for label, fact in markup.product_facts(product).items()),
    ]
    items = "".join(
        f'<div class="fact"><dt>{name}</dt><dd>{markup.safe(value)}</dd></div>'
        for name, value in facts
    )
    body = (
        f'<dl class="figures">{items}</dl><p class="fresh">{markup.safe(markup.base(product))}.</p>'
    )
    if product.sentiment_shares:
        body += markup.bars(product.sentiment_shares, "Share of each sentiment")
    if product.change:
        kind = "warning" if product.change.direction == "worse" else "info"
        body += markup.note(change_sentence(product.change), kind)
        body += explanation_html(product.explanation)
    title = product.title or product.product_id
    return markup.section(title, body + markup.fresh(product.freshness))


def _aspects(client: Client, product_id: str) -> str:
    answer = client.aspects(product_id=product_id, limit=12, impact=True)
    cards = [_aspect(aspect, answer.compared) for aspect in answer.aspects]
    if not cards:
        return markup.note("There are too few reviews to find what people talk about.", "empty")
    read = f'<p class="fresh">Found in {answer.reviews_read:,} analysed reviews.</p>'
    return markup.cards(cards, "") + markup.fresh(answer.freshness) + read


def _aspect(aspect: Aspect, compared: Compared | None) -> str:
    quotes = "".join(map(quote_html, aspect.quotes[:_MAX_QUOTES]))
    facts = f"{aspect.reviews:,} reviews, {against_category(aspect)}"
    bars = markup.bars(aspect.sentiment_shares, f"Sentiment about {aspect.aspect}")
    return (
        f'<li class="card aspect"><h4>{markup.safe(aspect.aspect)}</h4>'
        f'<div class="facts">{markup.safe(facts)}</div>{bars}{impact_html(aspect, compared)}'
        f"{quotes}</li>"
    )


def _copies(client: Client, product_id: str) -> str:
    groups = client.duplicates(product_id=product_id, limit=10).page().groups
    if not groups:
        return markup.note("No copied reviews were found.", "empty")
    rows = [
        (
            markup.safe(group.kind),
            f"{group.reviews:,}",
            f"{group.reviewers:,}" if group.reviewers else "unknown",
            markup.safe(markup.cut(group.text or "", 200)),
        )
        for group in groups
    ]
    return markup.table(("Kind", "Reviews", "Reviewers", "Text"), rows, "Copied reviews")


def _mismatches(client: Client, product_id: str) -> str:
    reviews = client.reviews(product_id=product_id, mismatch=True, limit=3).page().reviews
    return markup.cards([markup.card(review) for review in reviews], "None are stored any more.")


def _newest(client: Client, product_id: str) -> str:
    reviews = client.reviews(product_id=product_id, limit=5).page().reviews
    return markup.cards([markup.card(review) for review in reviews], "No review is stored.")
