"""Pages of products, single products, and products whose reviews changed."""

from typing import Any

from pydantic import TypeAdapter

from lambdas.insights.causes import CauseReader
from lambdas.insights.figures import (
    build_change,
    build_sentiment,
    change_status,
    read_change_point,
    read_freshness,
    reviews_link,
)
from shared.db.connection import Database
from shared.db.insights.products import ProductPosition, ProductQueries, ProductQuery
from shared.db.insights.trends import TrendFilters, TrendQueries
from shared.errors import InvalidInputError, NotFoundError
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import fit_page
from shared.schemas.causes import Explanation
from shared.schemas.insights import (
    Change,
    Direction,
    Mover,
    Movers,
    OneProduct,
    Product,
    ProductPage,
)
from shared.statistics.false_discovery import q_values

_POSITION: TypeAdapter[tuple[str, str, float | None, str]] = TypeAdapter(
    tuple[str, str, float | None, str]
)
_MOVER: TypeAdapter[tuple[float, float, str]] = TypeAdapter(tuple[float, float, str])
_COUNTS = ("reviews", "mismatches")
_MAX_COUNT = 2**53
_MAX_FALSE_DISCOVERY_RATE = 0.05
"""Expected share of false positives among the movers shown."""


def check_product(database: Database, product_id: str | None) -> None:
    """Raise NotFoundError if a product is named and unknown; an empty id means no product."""
    if product_id and not ProductQueries(database).exists(product_id):
        raise NotFoundError("product not found", details={"field": "product_id"})


class ProductReader:
    """Answers /products and /movers."""

    def __init__(self, products: ProductQueries, trends: TrendQueries, causes: CauseReader) -> None:
        self._products = products
        self._trends = trends
        self._causes = causes

    def page(self, query: ProductQuery, limit: int, cursor: str | None) -> ProductPage:
        """Read a page of products, and one more to know whether another page follows."""
        freshness = read_freshness(self._trends)
        rows = self._products.page(query, limit + 1, _position(query, cursor))
        page, has_more = fit_page([_build_product(row) for row in rows], limit)
        next_cursor = None
        if has_more:
            last = page[-1]
            value = _sort_value(query, last)
            position = (query.sort, query.order, value, last.product_id)
            next_cursor = encode_cursor(_POSITION, position)
        return ProductPage(products=page, next_cursor=next_cursor, freshness=freshness)

    def one(self, product_id: str) -> OneProduct:
        """Read one product.

        Raises:
            NotFoundError: it is unknown.
        """
        freshness = read_freshness(self._trends)
        row = None if "\0" in product_id else self._products.get(product_id)
        if row is None:
            raise NotFoundError("product not found")
        product = _build_product(row)
        return OneProduct(
            **product.model_dump(),
            explanation=self._explain(row) if product.change else None,
            freshness=freshness,
        )

    def explain(self, product_id: str) -> Explanation | None:
        """What explains the change of a product; None if it is unknown or did not change."""
        row = self._products.get(product_id)
        return self._explain(row) if row else None

    def _explain(self, row: dict[str, Any]) -> Explanation | None:
        point = read_change_point(row)
        if point is None:
            return None
        filters = TrendFilters(row["product_id"])
        return self._causes.explain(filters, point, self._trends.days(filters))

    def movers(
        self, category: str | None, direction: Direction | None, limit: int, cursor: str | None
    ) -> Movers:
        """Read products that changed, corrected for the number tested (Benjamini-Hochberg)."""
        freshness = read_freshness(self._trends)
        tested = self._products.count_tested(category)
        rows = self._products.changed(category, _MAX_FALSE_DISCOVERY_RATE)
        movers = _movers(rows, q_values([row["p_value"] for row in rows], tested), direction)
        if cursor:
            after = decode_cursor(_MOVER, cursor)
            movers = [mover for mover in movers if _certainty(mover) > after]
        page, has_more = fit_page(movers, limit)
        return Movers(
            movers=page,
            products_tested=tested,
            freshness=freshness,
            next_cursor=encode_cursor(_MOVER, _certainty(page[-1])) if has_more else None,
        )


def _movers(
    rows: list[dict[str, Any]], corrected: list[float], direction: Direction | None
) -> list[Mover]:
    movers = []
    for row, q_value in zip(rows, corrected, strict=True):
        point = read_change_point(row)
        if point is None or q_value > _MAX_FALSE_DISCOVERY_RATE or not point.is_relevant:
            continue
        change = build_change(point, product_id=row["product_id"])
        if direction in (None, change.direction):
            fields = {name: row[name] for name in ("product_id", "title", "category")}
            movers.append(Mover(**fields, change=change, q_value=q_value))
    return sorted(movers, key=_certainty)


def _certainty(mover: Mover) -> tuple[float, float, str]:
    """Its place in the order: the most certain first."""
    return mover.q_value, -_effect_size(mover.change), mover.product_id


def _effect_size(change: Change) -> float:
    return abs(change.negative_after - change.negative_before)


def _position(query: ProductQuery, cursor: str | None) -> ProductPosition | None:
    if not cursor:
        return None
    sort, order, value, product_id = decode_cursor(_POSITION, cursor)
    if (sort, order) != (query.sort, query.order):
        message = "the cursor was returned for another sort order"
        raise InvalidInputError(message, details={"field": "cursor"})
    if value is None or sort not in _COUNTS:
        return value, product_id
    if not (0 <= value <= _MAX_COUNT and value == int(value)):
        raise InvalidInputError("the cursor is out of range", details={"field": "cursor"})
    return int(value), product_id


def _sort_value(query: ProductQuery, product: Product) -> float | None:
    if query.sort == "negative_share":
        shares = product.sentiment_shares
        return shares.negative if shares else None
    value: float | None = getattr(product, query.sort)
    return value


def _build_product(row: dict[str, Any]) -> Product:
    point = read_change_point(row)
    reviews, analysed = row["reviews"], row["analysed"]
    return Product(
        **{name: row[name] for name in Product.model_fields if name in row},
        not_analysed=reviews - analysed - row["not_understood"],
        change_status=change_status(
            point,
            reviews=reviews,
            dated=reviews if row["first_day"] else 0,
            analysed=analysed,
        ),
        **build_sentiment(row["negative"], row["neutral"], row["positive"]),
        change=build_change(point, product_id=row["product_id"])
        if point and point.is_significant
        else None,
        reviews_link=reviews_link(product_id=row["product_id"]),
    )
