"""Figures about reviews: products, trends, changes, segments, aspects, copies, drift."""

from datetime import date
from urllib.parse import parse_qsl, urlsplit

from reviewlens.calls import Call, PagedCall, get
from reviewlens.errors import InvalidAnswerError
from shared.schemas.aspects import DEFAULT_ASPECTS, AspectList
from shared.schemas.drift import DriftReport
from shared.schemas.duplicates import DuplicateGroup, DuplicateKind, DuplicatePage
from shared.schemas.insights import (
    DEFAULT_MOVERS,
    Direction,
    Interval,
    Movers,
    OneProduct,
    Order,
    Product,
    ProductPage,
    ProductSort,
    ReviewPage,
    SegmentKind,
    Segments,
    StoredReview,
    Trend,
)
from shared.schemas.overview import Overview
from shared.schemas.sentiment import Mismatch, Opinion, Sentiment
from shared.schemas.summary import Summary

Day = date | str
"""A day in UTC: a date, or text such as ``2026-03-16``."""


def products(
    *,
    sort: ProductSort | None = None,
    order: Order | None = None,
    category: str | None = None,
    brand: str | None = None,
    search: str | None = None,
    min_reviews: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> PagedCall[ProductPage, Product]:
    """Products with their figures.

    Args:
        sort: the figure to sort by; number of reviews by default.
        order: ``desc`` by default.
        category: products of this category only; empty: products without a category.
        brand: products of this brand only; empty: products without a brand.
        search: text in the title or the product id.
        min_reviews: products with fewer reviews are left out.
        limit: products of a page, 1 to 200.
        cursor: begin at this page.
    """
    call = get(
        ProductPage,
        "/products",
        sort=sort,
        order=order,
        category=category,
        brand=brand,
        search=search,
        min_reviews=min_reviews,
        limit=limit,
        cursor=cursor,
    )
    return PagedCall(call, lambda page: page.products, lambda page: page.next_cursor)


def product(product_id: str) -> Call[OneProduct]:
    """One product with its figures."""
    return get(OneProduct, "/products/{product_id}", {"product_id": product_id})


def summary(
    product_id: str, *, first_day: Day | None = None, last_day: Day | None = None
) -> Call[Summary]:
    """What the reviews of a product say, in counts and quotations.

    Args:
        product_id: the product.
        first_day: reviews written on this day or later.
        last_day: reviews written on this day or earlier.
    """
    call = get(Summary, "/products/{product_id}/summary", {"product_id": product_id})
    return call.with_query(**{"from": first_day, "to": last_day})


def reviews(
    *,
    product_id: str | None = None,
    category: str | None = None,
    source: str | None = None,
    sentiment: Sentiment | str | None = None,
    language: str | None = None,
    mismatch: bool | Mismatch | Opinion | None = None,
    min_rating: float | None = None,
    max_rating: float | None = None,
    first_day: Day | None = None,
    last_day: Day | None = None,
    aspect: str | None = None,
    aspect_sentiment: Sentiment | str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> PagedCall[ReviewPage, StoredReview]:
    """Stored reviews that pass all filters, newest first.

    Args:
        product_id: reviews of this product.
        category: reviews of products of this category; empty: of products without one.
        source: reviews of this family of dumps.
        sentiment: negative, neutral or positive.
        language: an ISO 639-1 code, or und for reviews whose language is not determined.
        mismatch: whether stars, text and pictures contradict each other, which two of them do and
            how, or which one contradicts both others.
        min_rating: stars, 1 to 5.
        max_rating: stars, 1 to 5.
        first_day: written on this day or later.
        last_day: written on this day or earlier.
        aspect: reviews that mention this aspect.
        aspect_sentiment: reviews with a sentence about the aspect that has this sentiment.
        limit: reviews of a page, 1 to 200.
        cursor: begin at this page.
    """
    call = get(
        ReviewPage,
        "/reviews",
        product_id=product_id,
        category=category,
        source=source,
        sentiment=sentiment,
        language=language,
        mismatch=mismatch,
        min_rating=min_rating,
        max_rating=max_rating,
        aspect=aspect,
        aspect_sentiment=aspect_sentiment,
        limit=limit,
        cursor=cursor,
    )
    return _reviews(call.with_query(**{"from": first_day, "to": last_day}))


def linked_reviews(link: str, *, limit: int | None = None) -> PagedCall[ReviewPage, StoredReview]:
    """The reviews behind a figure.

    Args:
        link: ``reviews_link`` of the figure.
        limit: reviews of a page, 1 to 200.

    Raises:
        InvalidAnswerError: the link leads elsewhere than to reviews of this API.
    """
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or parts.path != "/reviews":
        raise InvalidAnswerError(f"{link[:200]!r} is not a link to reviews of this API")
    query: dict[str, str | int] = dict(parse_qsl(parts.query, keep_blank_values=True))
    if limit is not None:
        query["limit"] = limit
    return _reviews(get(ReviewPage, "/reviews").with_query(**query))


def _reviews(call: Call[ReviewPage]) -> PagedCall[ReviewPage, StoredReview]:
    return PagedCall(call, lambda page: page.reviews, lambda page: page.next_cursor)


def trends(
    *,
    product_id: str | None = None,
    category: str | None = None,
    source: str | None = None,
    interval: Interval | None = None,
    first_day: Day | None = None,
    last_day: Day | None = None,
    cursor: str | None = None,
) -> Call[Trend]:
    """Sentiment and stars over time, and the day of a clear change.

    Args:
        product_id: reviews of this product.
        category: reviews of products of this category; empty: of products without one.
        source: reviews of this family of dumps.
        interval: day, week (the default) or month.
        first_day: written on this day or later.
        last_day: written on this day or earlier.
        cursor: ``next_cursor`` of the answer before, for the following ones.
    """
    call = get(
        Trend,
        "/trends",
        product_id=product_id,
        category=category,
        source=source,
        interval=interval,
        cursor=cursor,
    )
    return call.with_query(**{"from": first_day, "to": last_day}).with_list("points")


def movers(
    *,
    category: str | None = None,
    direction: Direction | None = None,
    limit: int = DEFAULT_MOVERS,
    cursor: str | None = None,
) -> Call[Movers]:
    """Products whose reviews became worse or better, the most certain first.

    Args:
        category: products of this category only; empty: products without a category.
        direction: worse or better only.
        limit: how many, 1 to 200.
        cursor: ``next_cursor`` of the answer before, for the following ones.
    """
    call = get(
        Movers, "/movers", category=category, direction=direction, limit=limit, cursor=cursor
    )
    return call.with_list("movers", limit)


def segments(by: SegmentKind = "category", *, cursor: str | None = None) -> Call[Segments]:
    """Figures of each category, or of each source.

    Args:
        by: category or source.
        cursor: ``next_cursor`` of the answer before, for the following ones.
    """
    return get(Segments, "/segments", by=by, cursor=cursor).with_list("segments")


def aspects(
    *,
    product_id: str | None = None,
    category: str | None = None,
    limit: int = DEFAULT_ASPECTS,
    min_reviews: int | None = None,
    impact: bool | None = None,
    cursor: str | None = None,
) -> Call[AspectList]:
    """What reviews praise and complain about, with quotes.

    Args:
        product_id: reviews of this product.
        category: reviews of products of this category; empty: of products without one.
        limit: how many aspects, 1 to 100.
        min_reviews: aspects that fewer reviews mention are left out.
        impact: also what each aspect costs in stars.
        cursor: ``next_cursor`` of the answer before, for the following ones.
    """
    call = get(
        AspectList,
        "/aspects",
        product_id=product_id,
        category=category,
        limit=limit,
        min_reviews=min_reviews,
        impact=impact,
        cursor=cursor,
    )
    return call.with_list("aspects", limit)


def overview(*, category: str | None = None, days: int | None = None) -> Call[Overview]:
    """What matters first: how things are, what changed, what it costs, and what waits.

    Args:
        category: products of this category only; empty: products without a category.
        days: length of the two periods that are compared, 1 to 3650; 90 by default.
    """
    return get(Overview, "/overview", category=category, days=days)


def duplicates(
    *,
    product_id: str | None = None,
    kind: DuplicateKind | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> PagedCall[DuplicatePage, DuplicateGroup]:
    """Groups of reviews with the same or nearly the same text, largest first.

    Args:
        product_id: groups with reviews of this product.
        kind: exact or near copies only.
        limit: groups of a page, 1 to 200.
        cursor: begin at this page.
    """
    call = get(
        DuplicatePage, "/duplicates", product_id=product_id, kind=kind, limit=limit, cursor=cursor
    )
    return PagedCall(call, lambda page: page.groups, lambda page: page.next_cursor)


def drift(*, days: int | None = None) -> Call[DriftReport]:
    """Whether reviews of the newest days differ from those that the model was evaluated on.

    Args:
        days: how many days count as recent, 1 to 3650; 28 by default.
    """
    return get(DriftReport, "/drift", days=days)
