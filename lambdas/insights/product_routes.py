"""HTTP routes of products."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Response

from lambdas.insights.causes import CauseReader
from lambdas.insights.parameters import (
    Category,
    FirstDay,
    LastDay,
    Limit,
    check_days,
    read_product_facts,
)
from lambdas.insights.products import ProductReader
from lambdas.insights.summary import SummaryReader
from lambdas.insights.tables import TABLE_RESPONSES, Table
from shared.db.connection import Database
from shared.db.insights.products import ProductQueries, ProductQuery
from shared.db.insights.trends import TrendQueries
from shared.errors import NotFoundError
from shared.schemas.insights import (
    DEFAULT_MOVERS,
    Direction,
    Mover,
    Movers,
    OneProduct,
    Order,
    Product,
    ProductPage,
    ProductSort,
)
from shared.schemas.review import ProductFacts
from shared.schemas.summary import Summary
from shared.schemas.values import QUERY_INTEGER, PlainText, QueryCursor

ProductIdInPath = Annotated[str, Path(description="Id of the product as dumps write it.")]


def add_routes(app: FastAPI, database: Callable[[], Database]) -> None:
    """Add GET /movers, /products, /products/{product_id} and its summary."""

    def reader() -> ProductReader:
        return ProductReader(
            ProductQueries(database()), TrendQueries(database()), CauseReader(database())
        )

    @app.get("/movers", tags=["insights"], response_model=Movers, responses=TABLE_RESPONSES)
    def movers(
        table: Table,
        category: Category = None,
        direction: Annotated[
            Direction | None,
            Query(description="Only products that became `worse`, or `better`. Absent: both."),
        ] = None,
        limit: Limit = DEFAULT_MOVERS,
        cursor: QueryCursor = None,
    ) -> Any:
        """Products whose reviews became worse or better, the most certain first.

        The share of negative reviews of each product is tested for a change on any day. The
        p-values are corrected for the number of products tested: of 100 movers, at most 5 are
        expected to be false ones.
        """
        page = reader().movers(category, direction, limit, cursor)
        return table.answer(page, page.movers, Mover, page.next_cursor)

    @app.get("/products", tags=["insights"], response_model=ProductPage, responses=TABLE_RESPONSES)
    def products(
        table: Table,
        facts: Annotated[ProductFacts, Depends(read_product_facts)],
        sort: Annotated[
            ProductSort,
            Query(description="The figure to sort by; products without it come last."),
        ] = "reviews",
        order: Annotated[
            Order,
            Query(description="`desc`: the largest figure first; `asc`: the smallest."),
        ] = "desc",
        search: Annotated[
            PlainText | None,
            Query(
                max_length=200,
                description="Only products with this text in their title or id, in any case.",
            ),
        ] = None,
        min_reviews: Annotated[
            Annotated[int, Query(ge=1, le=2**31 - 1), QUERY_INTEGER] | None,
            Query(description="Only products with at least so many reviews. Absent: all."),
        ] = None,
        limit: Limit = 50,
        cursor: QueryCursor = None,
    ) -> Any:
        """Products with their figures, in the requested order.

        A product must match all filters.
        """
        query = ProductQuery(sort, order, facts, search, min_reviews)
        page = reader().page(query, limit, cursor)
        return table.answer(page, page.products, Product, page.next_cursor)

    @app.get("/products/{product_id:path}/summary", tags=["insights"], response_model=Summary)
    def summary(
        product_id: ProductIdInPath, first_day: FirstDay = None, last_day: LastDay = None
    ) -> Summary | Response:
        """What the reviews of a product say, in two to six sentences.

        They are made of counts and of quotations, word for word; nothing is generated. Each
        sentence has its counts, each with a link to its reviews, its quotations and the ids of its
        reviews. Fewer than 5 reviews have no summary, but a sentence that says so.
        """
        check_days(first_day, last_day)
        try:
            return SummaryReader(database()).summary(product_id, first_day, last_day)
        except NotFoundError:
            # "/summary" may be the end of an id
            found = reader().one(f"{product_id}/summary")
            return Response(found.model_dump_json(), media_type="application/json")

    # after the summary: an id may contain slashes
    @app.get("/products/{product_id:path}", tags=["insights"])
    def product(
        product_id: ProductIdInPath,
    ) -> OneProduct:
        """One product with its figures.

        They are those of GET /products, with their freshness and what explains the change.
        """
        return reader().one(product_id)
