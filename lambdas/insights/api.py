"""HTTP routes of insights."""

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

from fastapi import FastAPI, Query, Response

from lambdas.insights import aspects, duplicates
from lambdas.insights.drift import DriftReader
from lambdas.insights.parameters import (
    Category,
    Cursor,
    FirstDay,
    LastDay,
    Limit,
    ProductId,
    Source,
    Stars,
    check_days,
    check_ratings,
    check_texts,
)
from lambdas.insights.products import ProductReader
from lambdas.insights.reviews import ReviewReader
from lambdas.insights.settings import InsightsSettings
from lambdas.insights.trends import TrendReader
from shared.db.access import open_database
from shared.db.connection import Database
from shared.db.health import database_health
from shared.db.insights.catalog import Catalog, ReviewFilters
from shared.db.insights.drift import Drift
from shared.db.insights.products import ProductQuery, Products
from shared.db.insights.trends import TrendFilters, Trends
from shared.http.app import create_service, service_version
from shared.schemas.health import Health
from shared.schemas.insights import (
    Direction,
    DriftReport,
    Interval,
    Movers,
    OneProduct,
    Order,
    ProductPage,
    ProductSort,
    ReviewPage,
    SegmentKind,
    Segments,
    Trend,
)
from shared.schemas.sentiment import Sentiment

Needed = Callable[[], Database]


@lru_cache(maxsize=1)
def build_database(settings: InsightsSettings) -> Database:
    """Make the pool."""
    from shared.observability.logs import configure_logging

    configure_logging("insights", settings.log_level)
    return open_database(settings)


def create_app(dependencies: Database | None = None) -> FastAPI:
    """Make the insights app; the pool is made at the first request."""

    def needed() -> Database:
        return dependencies or build_database(InsightsSettings())

    def health() -> Health:
        return database_health(needed(), "insights", service_version())

    app = create_service("insights", title="Reviewlens insights", health=health)
    _add_trends(app, needed)
    _add_products(app, needed)
    _add_reviews(app, needed)
    aspects.add_routes(app, needed)
    duplicates.add_routes(app, needed)
    return app


def _add_trends(app: FastAPI, needed: Needed) -> None:
    @app.get("/trends", tags=["insights"], response_model=Trend)
    def trends(
        product_id: ProductId = None,
        category: Category = None,
        source: Source = None,
        interval: Interval = "week",
        first_day: FirstDay = None,
        last_day: LastDay = None,
    ) -> Response:
        """Sentiment and stars over time, and since when they are others."""
        check_texts(product_id=product_id, category=category, source=source)
        check_days(first_day, last_day)
        filters = TrendFilters(product_id, category, source, first_day, last_day)
        found = TrendReader(Trends(needed())).trend(filters, interval)
        # spelled here: FastAPI would check and copy each of up to 2000 points once more
        return Response(found.model_dump_json(by_alias=True), media_type="application/json")

    @app.get("/segments", tags=["insights"])
    def segments(by: SegmentKind = "category") -> Segments:
        """Figures of each category, or of each source."""
        return TrendReader(Trends(needed())).segments(by)

    @app.get("/drift", tags=["insights"])
    def drift(days: Annotated[int, Query(ge=1, le=3650)] = 28) -> DriftReport:
        """Whether what arrived on the newest days is what the model was tried with."""
        return DriftReader(Drift(needed()), Trends(needed())).report(days)


def _add_products(app: FastAPI, needed: Needed) -> None:
    def reader() -> ProductReader:
        return ProductReader(Products(needed()), Trends(needed()))

    @app.get("/movers", tags=["insights"])
    def movers(
        category: Category = None, direction: Direction | None = None, limit: Limit = 20
    ) -> Movers:
        """Products whose reviews became worse or better, the most certain first."""
        check_texts(category=category)
        return reader().movers(category, direction, limit)

    @app.get("/products", tags=["insights"])
    def products(
        sort: ProductSort = "reviews",
        order: Order = "desc",
        category: Category = None,
        search: Annotated[
            str | None, Query(max_length=200, description="in title or product id")
        ] = None,
        min_reviews: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ProductPage:
        """Products with their figures, in the order that is asked for."""
        check_texts(category=category, search=search)
        query = ProductQuery(sort, order, category, search, min_reviews)
        return reader().page(query, limit, cursor)

    @app.get("/products/{product_id:path}", tags=["insights"])
    def product(product_id: str) -> OneProduct:
        """One product with its figures."""
        return reader().one(product_id)


def _add_reviews(app: FastAPI, needed: Needed) -> None:
    @app.get("/reviews", tags=["insights"])
    def reviews(
        product_id: ProductId = None,
        category: Category = None,
        source: Source = None,
        sentiment: Sentiment | None = None,
        mismatch: Annotated[
            bool | None, Query(description="whether the stars contradict the text")
        ] = None,
        min_rating: Stars = None,
        max_rating: Stars = None,
        first_day: FirstDay = None,
        last_day: LastDay = None,
        aspect: Annotated[str | None, Query(max_length=60, description="that they mention")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ReviewPage:
        """Reviews that pass all filters, newest first."""
        check_texts(product_id=product_id, category=category, source=source, aspect=aspect)
        check_ratings(min_rating, max_rating)
        check_days(first_day, last_day)
        filters = ReviewFilters(
            product_id=product_id,
            sentiment=sentiment and sentiment.value,
            min_rating=min_rating,
            max_rating=max_rating,
            first_day=first_day,
            last_day=last_day,
            category=category,
            source=source,
            mismatch=mismatch,
            aspect=aspect,
        )
        return ReviewReader(Catalog(needed()), Trends(needed())).page(filters, limit, cursor)
