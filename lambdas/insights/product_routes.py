"""HTTP routes of products."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Query

from lambdas.insights.parameters import Category, Limit, read_product_facts
from lambdas.insights.products import ProductReader
from shared.db.connection import Database
from shared.db.insights.products import ProductQueries, ProductQuery
from shared.db.insights.trends import TrendQueries
from shared.schemas.insights import (
    DEFAULT_MOVERS,
    Direction,
    Movers,
    OneProduct,
    Order,
    ProductPage,
    ProductSort,
)
from shared.schemas.review import ProductFacts
from shared.schemas.values import QUERY_INTEGER, Cursor, PlainText


def add_routes(app: FastAPI, database: Callable[[], Database]) -> None:
    """Add GET /movers, /products and /products/{product_id}."""

    def reader() -> ProductReader:
        return ProductReader(ProductQueries(database()), TrendQueries(database()))

    @app.get("/movers", tags=["insights"])
    def movers(
        category: Category = None,
        direction: Direction | None = None,
        limit: Limit = DEFAULT_MOVERS,
        cursor: Cursor | None = None,
    ) -> Movers:
        """Products whose reviews became worse or better, the most certain first."""
        return reader().movers(category, direction, limit, cursor)

    @app.get("/products", tags=["insights"])
    def products(
        facts: Annotated[ProductFacts, Depends(read_product_facts)],
        sort: ProductSort = "reviews",
        order: Order = "desc",
        search: Annotated[
            PlainText | None, Query(max_length=200, description="in title or product id")
        ] = None,
        min_reviews: Annotated[int, Query(ge=1, le=2**31 - 1), QUERY_INTEGER] | None = None,
        limit: Limit = 50,
        cursor: Cursor | None = None,
    ) -> ProductPage:
        """Products with their figures, in the requested order."""
        query = ProductQuery(sort, order, facts, search, min_reviews)
        return reader().page(query, limit, cursor)

    @app.get("/products/{product_id:path}", tags=["insights"])
    def product(product_id: str) -> OneProduct:
        """One product with its figures."""
        return reader().one(product_id)
