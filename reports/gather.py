"""Gathers the material of a report: a bounded number of requests with bounded answers."""

from datetime import UTC, datetime

from reports import selection
from reports.data import Group, Material, Missing, Part, ReportError, Scope, available
from reviewlens import Client, NotFoundError
from reviewlens.models import (
    AspectList,
    Direction,
    DuplicatePage,
    Mover,
    OneProduct,
    Order,
    Product,
    ProductSort,
    Sentiment,
    Trend,
)

MAX_ASPECTS = 12
MAX_ROWS = 12
MAX_SOURCES = 8
MIN_REVIEWS_FOR_RANK = 10
"""Products with fewer reviews are not ranked by sentiment."""
_MAX_MONTHS_BY_DAY = 3
_MAX_MONTHS_BY_WEEK = 30
_DIRECTIONS: tuple[Direction, ...] = ("worse", "better")


def gather(client: Client, scope: Scope, *, now: datetime | None = None) -> Material:
    """Request everything that a report contains.

    Raises:
        ReportError: the product or the category is unknown.
        ApiError: the API does not answer.
    """
    product = _product(client, scope)
    trends = _trends(client, scope)
    filters = scope.filters
    return Material(
        scope=scope,
        made_at=now or datetime.now(UTC),
        product=product,
        trends=trends,
        proof=selection.proof(client, trends),
        movers=_movers(client, scope),
        aspects=_aspects(client, scope),
        ratings=selection.ratings(client, filters),
        worst=selection.extremes(client, filters, Sentiment.NEGATIVE),
        best=selection.extremes(client, filters, Sentiment.POSITIVE),
        mismatches=selection.mismatches(client, filters),
        duplicates=_duplicates(client, scope),
        categories=_categories(client, scope, product),
        sources=_sources(client, scope),
        largest=_products(client, scope, sort="reviews", order="desc"),
        weakest=_products(
            client, scope, sort="net_sentiment", order="asc", min_reviews=MIN_REVIEWS_FOR_RANK
        ),
    )


def _product(client: Client, scope: Scope) -> OneProduct | None:
    """The product, if the report is about one.

    Raises:
        ReportError: the product does not exist, or the category has no product.
    """
    if scope.product_id is not None:
        try:
            return client.product(scope.product_id)
        except NotFoundError as error:
            message = f"There is no product {scope.product_id!r}. `reviewlens report` without it"
            raise ReportError(f"{message} lists those with most reviews.") from error
    if scope.category is not None:
        page = client.products(category=scope.category, limit=1).page()
        if not page.products:
            raise ReportError(f"There is no product of the category {scope.category!r}.")
    return None


def _trends(client: Client, scope: Scope) -> Part[Trend]:
    """By month first, which is always short; then by the interval that suits the period."""
    monthly = available(lambda: client.trends(**scope.filters, interval="month"))
    if isinstance(monthly, Missing) or len(monthly.points) > _MAX_MONTHS_BY_WEEK:
        return monthly
    if len(monthly.points) <= _MAX_MONTHS_BY_DAY:
        return available(lambda: client.trends(**scope.filters, interval="day"))
    return available(lambda: client.trends(**scope.filters, interval="week"))


def _aspects(client: Client, scope: Scope) -> Part[AspectList]:
    return available(
        lambda: client.aspects(
            product_id=scope.product_id, category=scope.category, limit=MAX_ASPECTS
        )
    )


def _movers(client: Client, scope: Scope) -> Part[list[Mover]]:
    if scope.product_id is not None:
        return []

    def request() -> list[Mover]:
        return [
            mover
            for direction in _DIRECTIONS
            for mover in client.movers(
                category=scope.category, direction=direction, limit=MAX_ROWS // 2
            ).movers
        ]

    return available(request)


def _duplicates(client: Client, scope: Scope) -> Part[DuplicatePage]:
    if scope.category is not None:
        return Missing("Repeated reviews are listed by product or for all, not by category.")
    pages = client.duplicates(product_id=scope.product_id, limit=selection.MAX_QUOTED)
    return available(pages.page)


def _categories(client: Client, scope: Scope, product: OneProduct | None) -> Part[list[Group]]:
    """All categories; for a product, its own category for comparison."""
    segments = available(lambda: client.segments("category").segments)
    if isinstance(segments, Missing):
        return segments
    groups = [Group(segment.name, segment) for segment in segments]
    if product is None and scope.category is None:
        return groups
    own = scope.category if product is None else product.category
    return [group for group in groups if group.name == own]


def _sources(client: Client, scope: Scope) -> Part[list[Group]]:
    """All sources; with filters, the figures of these reviews for each of the largest sources."""
    segments = available(lambda: client.segments("source").segments)
    if isinstance(segments, Missing):
        return segments
    largest = sorted(segments, key=lambda segment: -segment.reviews)[:MAX_SOURCES]
    if not scope.filters:
        return [Group(segment.name, segment) for segment in largest]
    return available(lambda: _groups_of(client, scope, [segment.name for segment in largest]))


def _groups_of(client: Client, scope: Scope, sources: list[str | None]) -> list[Group]:
    groups = []
    for source in sources:
        trend = client.trends(**scope.filters, source=source or "", interval="month")
        if trend.totals.reviews:
            groups.append(Group(source, trend.totals))
    return groups


def _products(
    client: Client,
    scope: Scope,
    *,
    sort: ProductSort,
    order: Order,
    min_reviews: int | None = None,
) -> Part[list[Product]]:
    if scope.product_id is not None:
        return []
    pages = client.products(
        category=scope.category, sort=sort, order=order, min_reviews=min_reviews, limit=MAX_ROWS
    )
    return available(lambda: pages.page().products)
