"""Gathers the material of a report: a bounded number of questions, each with a bounded answer."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from local.errors import LocalStackError
from reports.data import (
    Aspects,
    Duplicates,
    Material,
    Missing,
    Mover,
    Movers,
    Part,
    Product,
    Products,
    Ratings,
    Review,
    Scope,
    Segment,
    Segments,
    Selected,
    Trends,
)
from reports.source import PAGE, Client, Source, known

MOST_REVIEWS = 2000
"""Read one by one for the distribution of stars."""
SHOWN = 5
"""Reviews of each kind."""
MOST_ASPECTS = 12
MOST_ROWS = 12
MOST_SOURCES = 8
LEAST_REVIEWS = 10
"""Products with fewer say too little for a ranking."""
_TELLING_CHARACTERS = 40
_MONTHS_BY_DAY = 3
_MONTHS_BY_WEEK = 30


def gather(client: Client, scope: Scope, *, now: datetime | None = None) -> Material:
    """Ask for all that a report tells.

    Raises:
        LocalStackError: the product or the category is unknown, or the server does not answer.
    """
    source = Source(client)
    product = _subject(source, scope)
    trends = _trends(source, scope)
    filtered = scope.category is None or source.knows_mismatches()
    return Material(
        scope=scope,
        made_at=now or datetime.now(UTC),
        product=product,
        trends=trends,
        proof=_proof(source, trends),
        movers=_movers(source, scope),
        aspects=source.ask(Aspects, "/aspects", **scope.subject, limit=MOST_ASPECTS),
        ratings=_ratings(source, scope) if filtered else _NO_CATEGORY,
        worst=_extremes(source, scope, "negative", _worst) if filtered else _NO_CATEGORY,
        best=_extremes(source, scope, "positive", _best) if filtered else _NO_CATEGORY,
        mismatches=_mismatches(source, scope),
        duplicates=_duplicates(source, scope),
        categories=_categories(source, scope, product),
        sources=_sources(source, scope),
        largest=_products(source, scope, sort="reviews", order="desc"),
        weakest=_products(
            source, scope, sort="net_sentiment", order="asc", min_reviews=LEAST_REVIEWS
        ),
    )


_NO_CATEGORY = Missing("This server does not list the reviews of one category.")


def _subject(source: Source, scope: Scope) -> Product | None:
    """The product, where the report is about one.

    Raises:
        LocalStackError: there is none, or no product of the category.
    """
    if scope.product_id is not None:
        path = f"/products/{quote(scope.product_id, safe='/')}"  # slashes as the route takes them
        found = source.ask(Product, path)
        if isinstance(found, Missing) and not found.answered:
            told = f"There is no product {scope.product_id!r}. `reviewlens report` without it"
            raise LocalStackError(f"{told} lists those with most reviews.", exit_code=2)
        return known(found)
    if scope.category is not None:
        if not source.knows_categories():
            raise LocalStackError("This server cannot tell one category from the others.")
        found_products = known(source.ask(Products, "/products", category=scope.category, limit=1))
        if not found_products.products:
            told = f"There is no product of the category {scope.category!r}."
            raise LocalStackError(told, exit_code=2)
    return None


def _trends(source: Source, scope: Scope) -> Part[Trends]:
    """By month first, which is always short; then by what shows the period best."""
    monthly = source.ask(Trends, "/trends", **scope.filters, interval="month")
    if isinstance(monthly, Missing) or len(monthly.points) > _MONTHS_BY_WEEK:
        return monthly
    finer = "day" if len(monthly.points) <= _MONTHS_BY_DAY else "week"
    return source.ask(Trends, "/trends", **scope.filters, interval=finer)


def _proof(source: Source, trends: Part[Trends]) -> Part[Selected]:
    if isinstance(trends, Missing):
        return trends
    if trends.change is None:
        return Selected([], 0, more=False)
    found = source.linked(trends.change.reviews_link)
    if isinstance(found, Missing):
        return found
    order = _worst if trends.change.direction == "worse" else _best
    return Selected(
        _chosen(found.reviews, order), len(found.reviews), found.next_cursor is not None
    )


def _movers(source: Source, scope: Scope) -> Part[list[Mover]]:
    if scope.product_id is not None:
        return []
    found: list[Mover] = []
    for direction in ("worse", "better"):
        part = source.ask(
            Movers, "/movers", **scope.subject, direction=direction, limit=MOST_ROWS // 2
        )
        if isinstance(part, Missing):
            return part
        found += part.movers
    return found


def _ratings(source: Source, scope: Scope) -> Part[Ratings]:
    found = source.newest(scope.filters, most=MOST_REVIEWS)
    if isinstance(found, Missing):
        return found
    stars = [review.rating for review in found.reviews]
    given = [min(5, max(1, round(value))) for value in stars if value is not None]
    return Ratings(
        counts={number: given.count(number) for number in range(1, 6)},
        read=found.read,
        unrated=stars.count(None),
        more=found.more,
    )


def _extremes(
    source: Source, scope: Scope, sentiment: str, order: Callable[[Review], tuple[float, ...]]
) -> Part[Selected]:
    found = source.newest(scope.filters | {"sentiment": sentiment}, most=PAGE)
    if isinstance(found, Missing):
        return found
    return Selected(_chosen(found.reviews, order), found.read, found.more)


def _chosen(
    reviews: Sequence[Review], order: Callable[[Review], tuple[float, ...]]
) -> list[Review]:
    """The first by an order, each text once."""
    by_text: dict[str, Review] = {}
    for review in sorted(reviews, key=order):
        by_text.setdefault(review.text, review)
    return list(by_text.values())[:SHOWN]


def _worst(review: Review) -> tuple[float, ...]:
    stars = 3.0 if review.rating is None else review.rating
    return (_is_terse(review), stars, -(review.confidence or 0.0), -(review.helpful_votes or 0))


def _best(review: Review) -> tuple[float, ...]:
    stars = 3.0 if review.rating is None else review.rating
    return (_is_terse(review), -stars, -(review.confidence or 0.0), -(review.helpful_votes or 0))


def _is_terse(review: Review) -> bool:
    """Whether it says too little to learn from: such come last."""
    return len(review.text) < _TELLING_CHARACTERS


def _mismatches(source: Source, scope: Scope) -> Part[Selected]:
    if not source.knows_mismatches():
        return Missing("This server does not compare stars with texts.")
    found = source.newest(scope.filters | {"mismatch": "true"}, most=PAGE)
    if isinstance(found, Missing):
        return found

    def surest(review: Review) -> tuple[float, ...]:
        return (-(review.confidence or 0.0),)

    return Selected(_chosen(found.reviews, surest), found.read, found.more)


def _duplicates(source: Source, scope: Scope) -> Part[Duplicates]:
    if scope.category is not None:
        return Missing("Repeated reviews are told of one product or of all, not of a category.")
    return source.ask(Duplicates, "/duplicates", **scope.subject, limit=SHOWN)


def _categories(source: Source, scope: Scope, product: Product | None) -> Part[list[Segment]]:
    """All categories; of a product, its own, to compare with."""
    found = source.ask(Segments, "/segments", by="category")
    if isinstance(found, Missing):
        return found
    if product is None and scope.category is None:
        return found.segments
    own = scope.category if product is None else product.category
    return [segment for segment in found.segments if segment.name == own]


def _sources(source: Source, scope: Scope) -> Part[list[Segment]]:
    """All sources; of a product or a category, what it has of each of the largest ones."""
    found = source.ask(Segments, "/segments", by="source")
    if isinstance(found, Missing):
        return found
    largest = sorted(found.segments, key=lambda segment: -segment.reviews)[:MOST_SOURCES]
    if not scope.filters:
        return largest
    own: list[Segment] = []
    for segment in largest:
        filters = scope.filters | {"source": segment.name or ""}
        part = source.ask(Trends, "/trends", **filters, interval="month")
        if isinstance(part, Missing):
            return part
        if part.totals.reviews:
            own.append(Segment(name=segment.name, **part.totals.model_dump(exclude={"undated"})))
    return own


def _products(source: Source, scope: Scope, **order: str | int) -> Part[list[Product]]:
    if scope.product_id is not None:
        return []
    if not source.knows_categories():
        return Missing("This server does not rank products.")
    found = source.ask(Products, "/products", **scope.subject, **order, limit=MOST_ROWS)
    return found if isinstance(found, Missing) else found.products
