"""HTTP routes of insights."""

from datetime import date
from functools import lru_cache
from typing import Annotated

from fastapi import FastAPI, Query

from lambdas.insights import aspects, duplicates
from lambdas.insights.schemas import Product, ProductPage, ReviewPage
from lambdas.insights.service import Insights
from lambdas.insights.settings import InsightsSettings
from shared.db.access import access
from shared.db.catalog import Catalog, ReviewFilters
from shared.db.connection import Database
from shared.db.health import database_health
from shared.errors import InvalidInputError
from shared.http.app import create_service, service_version
from shared.schemas.health import Health
from shared.schemas.sentiment import Sentiment

_WAIT_SECONDS = 3.0
"""While the database is down a caller is told so soon, and holds no thread for long."""
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=2048)]
Stars = Annotated[float | None, Query(ge=1, le=5, allow_inf_nan=False)]


@lru_cache(maxsize=1)
def build_database(settings: InsightsSettings) -> Database:
    """Make the pool."""
    from shared.observability.logs import configure_logging

    configure_logging("insights", settings.log_level)
    return Database(
        access(settings), pool_size=settings.database_pool_size, wait_seconds=_WAIT_SECONDS
    )


def create_app(dependencies: Database | None = None) -> FastAPI:
    """Make the insights app; the pool is made at the first request."""

    def needed() -> Database:
        return dependencies or build_database(InsightsSettings())

    def health() -> Health:
        return database_health(needed(), "insights", service_version())

    app = create_service("insights", title="Reviewlens insights", health=health)
    aspects.add_routes(app, needed)
    duplicates.add_routes(app, needed)

    @app.get("/products", tags=["insights"])
    def products(limit: Limit = 50, cursor: Cursor = None) -> ProductPage:
        """Products with their counts, most reviews first."""
        return Insights(Catalog(needed())).products(limit, cursor)

    @app.get("/products/{product_id:path}", tags=["insights"])
    def product(product_id: str) -> Product:
        """One product with its counts."""
        return Insights(Catalog(needed())).product(product_id)

    @app.get("/reviews", tags=["insights"])
    def reviews(
        product_id: Annotated[str | None, Query(max_length=512)] = None,
        sentiment: Sentiment | None = None,
        min_rating: Stars = None,
        max_rating: Stars = None,
        first_day: Annotated[date | None, Query(alias="from", description="inclusive")] = None,
        last_day: Annotated[date | None, Query(alias="to", description="inclusive")] = None,
        aspect: Annotated[str | None, Query(max_length=60, description="that they mention")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ReviewPage:
        """Reviews that pass all filters, newest first."""
        if product_id and "\0" in product_id:
            raise InvalidInputError("no product id has a NUL", details={"field": "product_id"})
        if aspect and "\0" in aspect:
            raise InvalidInputError("no aspect has a NUL", details={"field": "aspect"})
        if min_rating and max_rating and min_rating > max_rating:
            told = "min_rating must not be above max_rating"
            raise InvalidInputError(told, details={"field": "min_rating"})
        if first_day and last_day and first_day > last_day:
            raise InvalidInputError("from must not be after to", details={"field": "from"})
        filters = ReviewFilters(
            *(product_id, sentiment and sentiment.value, min_rating, max_rating),
            *(first_day, last_day, aspect),
        )
        return Insights(Catalog(needed())).reviews(filters, limit, cursor)

    return app
