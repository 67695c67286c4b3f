"""Tab Products: a league table, and one product in depth."""

from collections.abc import Callable
from typing import Any, Literal

import gradio as gr

from frontend_space import markup
from frontend_space.answers import Aspect, Product, Products
from frontend_space.backend import Backend, asked
from frontend_space.client import Client
from frontend_space.problems import ApiError
from frontend_space.tabs.frame import HIDDEN, told
from frontend_space.tabs.picking import filled_segments, segment_picker
from frontend_space.tabs.trends import change_sentence

_PAGE = 25
_HEAD = ["Product", "Reviews", "Net", "Stars", "Negative", "Changed since", "Category", "Id"]
_KINDS: list[Literal["str", "number"]] = [
    "str",
    "number",
    "number",
    "number",
    "number",
    "str",
    "str",
    "str",
]
_SORTS = [
    ("most reviews", "reviews"),
    ("net sentiment", "net_sentiment"),
    ("share negative", "negative_share"),
    ("mean stars", "mean_rating"),
    ("stars against text", "mismatches"),
]
_QUOTES = 3
_ID = _HEAD.index("Id")


def build(backend: Backend, tab: gr.Tab) -> None:
    """Draw the tab; it is filled when it is opened."""
    with gr.Row():
        search = gr.Textbox(label="Title or id contains", max_length=200, min_width=150)
        category = segment_picker("products", "category")
        sort = gr.Dropdown(_SORTS, value="reviews", label="Sort by", min_width=150)
        order = gr.Dropdown(
            [("highest first", "desc"), ("lowest first", "asc")],
            value="desc",
            label="Order",
            min_width=150,
        )
        least = gr.Number(
            1, label="At least so many reviews", minimum=0, precision=0, min_width=150
        )
    with gr.Row():
        button = gr.Button("Show", variant="primary", elem_id="products-button")
        more = gr.Button("Next page", interactive=False)
    about = gr.HTML(markup.note("Loading…", "empty"), elem_id="products-about")
    cursor = gr.State(None)
    league = gr.Dataframe(
        headers=_HEAD,
        datatype=_KINDS,
        interactive=False,
        label="Products: choose a row to look closer; press a heading to sort",
        max_height=460,
        column_widths=[220, 90, 70, 70, 95, 150, 130, 130],
        elem_id="league",
    )
    with gr.Row(elem_classes=["end"]):
        chosen = gr.Textbox(label="Product id", max_length=512, elem_id="product-id", min_width=200)
        look = gr.Button("Look closer", elem_id="product-button", min_width=120)
    detail = gr.HTML("", elem_id="product", elem_classes=["live"])

    @told(4, others=gr.skip())
    def page(after: str | None, words: str, kind: str, by: str, way: str, few: float) -> Any:
        found = asked(backend).products(
            search=(words or "").strip(),
            category=kind,
            sort=by,
            order=way,
            min_reviews=int(few or 0) or None,
            limit=_PAGE,
            cursor=after,
        )
        again = gr.Button(interactive=found.next_cursor is not None)
        return _told(found), rows_of(found), found.next_cursor, again

    def first(*filters: Any) -> Any:
        return page(None, *filters)

    @told()
    def look_closer(product_id: str) -> str:
        return product_html(asked(backend), (product_id or "").strip())

    def fill(chosen: str) -> Any:
        try:
            found = asked(backend).segments("category")
        except ApiError:  # the table says what is wrong
            return gr.skip()
        return filled_segments(found, "category", chosen)

    def row_id(event: gr.SelectData) -> str:
        return str(event.row_value[_ID])

    filters, out = [search, category, sort, order, least], [about, league, cursor, more]
    event: dict[str, Any] = {"concurrency_id": "reads", **HIDDEN}
    asking = [button.click, search.submit, category.input, sort.input, order.input]
    gr.on(asking, first, filters, out, **event)
    tab.select(first, filters, out, **event)
    tab.select(fill, category, category, **event)
    more.click(page, [cursor, *filters], out, **event)
    league.select(row_id, None, chosen, **HIDDEN).then(look_closer, chosen, detail, **event)
    gr.on([look.click, chosen.submit], look_closer, chosen, detail, **event)


def _told(found: Products) -> str:
    if not found.products:
        return markup.note("No product passes these filters.", "empty")
    return markup.fresh(found.freshness)


def rows_of(found: Products) -> list[list[Any]]:
    """The league table's cells: numbers where it sorts by numbers."""
    return [
        [
            one.title or one.product_id,
            one.reviews,
            None if one.net is None else round(one.net),
            None if one.mean_rating is None else round(one.mean_rating, 2),
            None if one.sentiment_shares is None else round(100 * one.sentiment_shares.negative),
            f"{one.change.direction} {one.change.day}" if one.change else "",
            one.category or "",
            one.product_id,
        ]
        for one in found.products
    ]


def product_html(client: Client, product_id: str) -> str:
    """One product: figures, aspects, copies, newest reviews; a part that fails says so itself."""
    if not product_id:
        return markup.note("Choose a product in the table, or write its id.", "empty")
    one = client.product(product_id)
    return (
        _figures(one)
        + _part("What people talk about", lambda: _aspects(client, product_id))
        + _part("Copied reviews", lambda: _copies(client, product_id))
        + (_part("Stars against text", lambda: _mismatches(client, one)) if one.mismatches else "")
        + _part("Newest reviews", lambda: _newest(client, product_id))
    )


def _part(title: str, draw: Callable[[], str]) -> str:
    try:
        body = draw()
    except ApiError as error:
        body = markup.note(str(error), "warning")
    return markup.section(title, body)


def _figures(one: Product) -> str:
    facts = [
        ("reviews", f"{one.reviews:,}"),
        ("net sentiment", markup.net(one.net)),
        ("mean stars", markup.mean(one.mean_rating)),
        ("stars against text", "n/a" if one.mismatches is None else f"{one.mismatches:,}"),
    ]
    drawn = "".join(
        f'<div class="fact"><dt>{name}</dt><dd>{markup.safe(value)}</dd></div>'
        for name, value in facts
    )
    body = f'<dl class="figures">{drawn}</dl>'
    if one.sentiment_shares:
        body += markup.bars(one.sentiment_shares, "Share of each sentiment")
    if one.change:
        kind = "warning" if one.change.direction == "worse" else "info"
        body += markup.note(change_sentence(one.change), kind)
    return markup.section(one.title or one.product_id, body + markup.fresh(one.freshness))


def _aspects(client: Client, product_id: str) -> str:
    found = client.aspects(product_id=product_id, limit=12)
    drawn = [_aspect(one) for one in found.aspects]
    empty = "Too few reviews to find what people talk about."
    read = "" if found.reviews_read is None else f" Read from {found.reviews_read:,} reviews."
    fresh = markup.fresh(found.freshness) + (f'<p class="fresh">{markup.safe(read.strip())}</p>')
    return markup.cards(drawn, empty) + (fresh if drawn else "")


def _aspect(one: Aspect) -> str:
    quotes = "".join(
        f"<blockquote>{markup.badge(quote.sentiment)} “{markup.safe(markup.cut(quote.text, 300))}”"
        "</blockquote>"
        for quote in one.quotes[:_QUOTES]
    )
    facts = f"{one.reviews:,} reviews, {markup.share(one.negative_share)} negative"
    bars = (
        markup.bars(one.sentiment_shares, f"Sentiment about {one.aspect}")
        if one.sentiment_shares
        else ""
    )
    return (
        f'<li class="card aspect"><h4>{markup.safe(one.aspect)}</h4>'
        f'<div class="facts">{markup.safe(facts)}</div>{bars}{quotes}</li>'
    )


def _copies(client: Client, product_id: str) -> str:
    groups = client.duplicates(product_id=product_id, limit=10).groups
    if not groups:
        return markup.note("No copied reviews were found.", "empty")
    rows = [
        (
            markup.safe(one.kind),
            f"{one.reviews:,}",
            f"{one.reviewers:,}" if one.reviewers else "not told",
            markup.safe(markup.cut(one.text, 200)),
        )
        for one in groups
    ]
    return markup.table(("Kind", "Reviews", "Reviewers", "Text"), rows, "Copied reviews")


def _mismatches(client: Client, one: Product) -> str:
    found = client.reviews(product_id=one.product_id, mismatch="true", limit=3).reviews
    return markup.cards([markup.card(each) for each in found], "None are stored any more.")


def _newest(client: Client, product_id: str) -> str:
    found = client.reviews(product_id=product_id, limit=5).reviews
    return markup.cards([markup.card(one) for one in found], "No review is stored.")
