"""HTTP routes of trends, segments and drift."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response

from lambdas.insights.causes import CauseReader
from lambdas.insights.drift import DriftReader
from lambdas.insights.parameters import (
    Category,
    FirstDay,
    LastDay,
    ProductId,
    Source,
    check_days,
)
from lambdas.insights.products import check_product
from lambdas.insights.tables import TABLE_RESPONSES, Table
from lambdas.insights.trends import TrendReader
from shared.db.connection import Database
from shared.db.insights.drift import DriftQueries
from shared.db.insights.trends import TrendFilters, TrendQueries
from shared.schemas.drift import DriftReport
from shared.schemas.insights import Interval, Point, SegmentKind, Segments, Trend
from shared.schemas.values import QUERY_INTEGER, QueryCursor


def add_routes(app: FastAPI, database: Callable[[], Database]) -> None:
    """Add GET /trends, /segments and /drift."""

    def reader() -> TrendReader:
        return TrendReader(TrendQueries(database()), CauseReader(database()))

    @app.get("/trends", tags=["insights"], response_model=Trend, responses=TABLE_RESPONSES)
    def trends(
        table: Table,
        product_id: ProductId = None,
        category: Category = None,
        source: Source = None,
        interval: Annotated[
            Interval,
            Query(description="Length of each point; a week begins on Monday, all days are UTC."),
        ] = "week",
        first_day: FirstDay = None,
        last_day: LastDay = None,
        cursor: QueryCursor = None,
    ) -> Any:
        """Sentiment and ratings over time, and the day from which they changed.

        There are no gaps between points. Without `from`, the answer has the newest 2,000
        intervals; a longer range that is asked for is refused. The change is looked for in all
        days that match, whatever the interval. `explanation` has the aspects that more reviews
        complain about since, with sentences from before and after.
        """
        check_days(first_day, last_day)
        check_product(database(), product_id)
        filters = TrendFilters(product_id, category, source, first_day, last_day)
        trend = reader().trend(filters, interval, cursor)
        if table.format != "json":
            return table.answer(trend, trend.points, Point, trend.next_cursor)
        # serialised here: FastAPI would validate and copy each of up to 2000 points again
        return Response(trend.model_dump_json(by_alias=True), media_type="application/json")

    @app.get("/segments", tags=["insights"])
    def segments(
        by: Annotated[
            SegmentKind,
            Query(
                description="What reviews are grouped by: the category of their product, or the"
                " family of dumps that they came from."
            ),
        ] = "category",
        cursor: QueryCursor = None,
    ) -> Segments:
        """Figures of each category or source.

        Those with the most reviews come first. Each has a link to its reviews.
        """
        return reader().segments(by, cursor)

    @app.get("/drift", tags=["insights"])
    def drift(
        days: Annotated[
            int,
            Query(
                ge=1,
                le=3650,
                description="How many days are compared, counted back from the last one on which"
                " reviews were uploaded.",
            ),
            QUERY_INTEGER,
        ] = 28,
    ) -> DriftReport:
        """Compare recent reviews with the data the model was evaluated on.

        A strong shift means that the recent reviews are of another kind than those of the
        evaluation, so that its accuracy may not hold for them.
        """
        return DriftReader(DriftQueries(database()), TrendQueries(database())).report(days)
