"""Pages of products and reviews."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from lambdas.insights.cursor import decode_cursor, encode_cursor
from lambdas.insights.schemas import (
    Product,
    ProductPage,
    ReviewPage,
    SentimentSplit,
    StoredReview,
)
from shared.db.catalog import Catalog, ReviewFilters
from shared.errors import InvalidInputError, NotFoundError

_PRODUCT_PLACE: TypeAdapter[tuple[int, str]] = TypeAdapter(tuple[int, str])
_REVIEW_PLACE: TypeAdapter[tuple[datetime | None, str]] = TypeAdapter(tuple[datetime | None, str])
_MOST = 2**62


class Insights:
    """Answers from the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def products(self, limit: int, cursor: str | None) -> ProductPage:
        """A page of products; one more than asked for is read to know whether more follow."""
        after = decode_cursor(_PRODUCT_PLACE, cursor) if cursor else None
        if after and not 0 <= after[0] <= _MOST:
            raise InvalidInputError("the cursor is out of range", details={"field": "cursor"})
        rows = self._catalog.products(limit + 1, after)
        page = [_product(row) for row in rows[:limit]]
        last = (page[-1].reviews, page[-1].product_id) if len(rows) > limit else None
        return ProductPage(
            products=page, next_cursor=encode_cursor(_PRODUCT_PLACE, last) if last else None
        )

    def product(self, product_id: str) -> Product:
        """One product.

        Raises:
            NotFoundError: it is unknown.
        """
        row = None if "\0" in product_id else self._catalog.product(product_id)
        if row is None:
            raise NotFoundError("there is no such product")
        return _product(row)

    def reviews(self, filters: ReviewFilters, limit: int, cursor: str | None) -> ReviewPage:
        """A page of reviews."""
        after = decode_cursor(_REVIEW_PLACE, cursor) if cursor else None
        rows = self._catalog.reviews(filters, limit + 1, after)
        page = [StoredReview(**row) for row in rows[:limit]]
        last = (page[-1].reviewed_at, page[-1].review_id) if len(rows) > limit else None
        return ReviewPage(
            reviews=page, next_cursor=encode_cursor(_REVIEW_PLACE, last) if last else None
        )


def _product(row: dict[str, Any]) -> Product:
    counts = {name: row.pop(name) for name in ("negative", "neutral", "positive")}
    shares = None
    if row["analysed"]:
        shares = SentimentSplit(**{k: n / row["analysed"] for k, n in counts.items()})
    return Product(**row, sentiment_shares=shares)
