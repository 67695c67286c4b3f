"""Pages of products, one product, and those whose reviews changed."""

from typing import Any

from pydantic import TypeAdapter

from lambdas.insights.cursor import decode_cursor, encode_cursor
from lambdas.insights.figures import (
    change_in,
    change_of,
    freshness_of,
    reviews_link,
    sentiment_of,
)
from shared.db.insights.products import ProductPosition, ProductQuery, Products
from shared.db.insights.trends import Trends
from shared.errors import InvalidInputError, NotFoundError
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

_PLACE: TypeAdapter[tuple[str, str, float | None, str]] = TypeAdapter(
    tuple[str, str, float | None, str]
)
_COUNTS = ("reviews", "mismatches")
_MOST = 2**53
_FALSE_DISCOVERIES = 0.05
"""Of all movers that are shown, at most so many are expected to be none."""


class ProductReader:
    """Answers /products and /movers."""

    def __init__(self, products: Products, trends: Trends) -> None:
        self._products = products
        self._trends = trends

    def page(self, query: ProductQuery, limit: int, cursor: str | None) -> ProductPage:
        """A page of products; one more than asked for is read to know whether more follow."""
        fresh = freshness_of(self._trends)
        rows = self._products.page(query, limit + 1, _place(query, cursor))
        page, following = [_product(row) for row in rows[:limit]], None
        if len(rows) > limit:
            last = page[-1]
            value = _value(query, last)
            following = encode_cursor(_PLACE, (query.sort, query.order, value, last.product_id))
        return ProductPage(products=page, next_cursor=following, freshness=fresh)

    def one(self, product_id: str) -> OneProduct:
        """One product.

        Raises:
            NotFoundError: it is unknown.
        """
        fresh = freshness_of(self._trends)
        row = None if "\0" in product_id else self._products.one(product_id)
        if row is None:
            raise NotFoundError("there is no such product")
        return OneProduct(**_product(row).model_dump(), freshness=fresh)

    def movers(self, category: str | None, direction: Direction | None, limit: int) -> Movers:
        """Products that changed, corrected for how many were looked at (Benjamini, Hochberg)."""
        fresh = freshness_of(self._trends)
        tested = self._products.tested(category)
        rows = self._products.changed(category, _FALSE_DISCOVERIES)
        corrected = q_values([row["p_value"] for row in rows], tested)
        movers = _movers(rows, corrected, direction)
        return Movers(movers=movers[:limit], products_tested=tested, freshness=fresh)


def _movers(
    rows: list[dict[str, Any]], corrected: list[float], direction: Direction | None
) -> list[Mover]:
    found = []
    for row, q_value in zip(rows, corrected, strict=True):
        change = change_in(row)
        if change is None or q_value > _FALSE_DISCOVERIES or not change.is_relevant:
            continue
        told = change_of(change, product_id=row["product_id"])
        if direction in (None, told.direction):
            names = {name: row[name] for name in ("product_id", "title", "category")}
            found.append(Mover(**names, change=told, q_value=q_value))
    return sorted(found, key=lambda mover: (mover.q_value, -_distance(mover.change)))


def _distance(change: Change) -> float:
    return abs(change.negative_after - change.negative_before)


def _place(query: ProductQuery, cursor: str | None) -> ProductPosition | None:
    if not cursor:
        return None
    sort, order, value, product_id = decode_cursor(_PLACE, cursor)
    if (sort, order) != (query.sort, query.order):
        told = "the cursor belongs to another order of products"
        raise InvalidInputError(told, details={"field": "cursor"})
    if value is None or sort not in _COUNTS:
        return value, product_id
    if not (0 <= value <= _MOST and value == int(value)):
        raise InvalidInputError("the cursor is out of range", details={"field": "cursor"})
    return int(value), product_id


def _value(query: ProductQuery, product: Product) -> float | None:
    if query.sort == "negative_share":
        shares = product.sentiment_shares
        return shares.negative if shares else None
    found: float | None = getattr(product, query.sort)
    return found


def _product(row: dict[str, Any]) -> Product:
    change = change_in(row)
    plain = ("product_id", "title", "category", "reviews", "analysed", "mean_rating", "mismatches")
    return Product(
        **{name: row[name] for name in (*plain, "first_day", "last_day")},
        **sentiment_of(row["negative"], row["neutral"], row["positive"]),
        change=change_of(change, product_id=row["product_id"])
        if change and change.is_significant
        else None,
        reviews_link=reviews_link(product_id=row["product_id"]),
    )
