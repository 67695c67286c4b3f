"""HTTP routes of trends, segments and drift."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Query, Response

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
from lambdas.insights.trends import TrendReader
from shared.db.connection import Database
from shared.db.insights.drift import DriftQueries
from shared.db.insights.trends import TrendFilters, TrendQueries
from shared.schemas.insights import DriftReport, Interval, SegmentKind, Segments, Trend
from shared.schemas.values import QUERY_INTEGER, Cursor


def add_routes(app: FastAPI, database: Callable[[], Database]) -> None:
    """Add GET /trends, /segments and /drift."""

    @app.get("/trends", tags=["insights"], response_model=Trend)
    def trends(
        product_id: ProductId = None,
        category: Category = None,
        source: Source = None,
        interval: Interval = "week",
        first_day: FirstDay = None,
        last_day: LastDay = None,
        cursor: Cursor | None = None,
    ) -> Response:
        """Sentiment and ratings over time, and the day from which they changed."""
        check_days(first_day, last_day)
        check_product(database(), product_id)
        filters = TrendFilters(product_id, category, source, first_day, last_day)
        trend = TrendReader(TrendQueries(database())).trend(filters, interval, cursor)
        # serialised here: FastAPI would validate and copy each of up to 2000 points again
        return Response(trend.model_dump_json(by_alias=True), media_type="application/json")

    @app.get("/segments", tags=["insights"])
    def segments(by: SegmentKind = "category", cursor: Cursor | None = None) -> Segments:
        """Figures of each category or source."""
        return TrendReader(TrendQueries(database())).segments(by, cursor)

    @app.get("/drift", tags=["insights"])
    def drift(days: Annotated[int, Query(ge=1, le=3650), QUERY_INTEGER] = 28) -> DriftReport:
        """Compare recent reviews with the data the model was evaluated on."""
        return DriftReader(DriftQueries(database()), TrendQueries(database())).report(days)
