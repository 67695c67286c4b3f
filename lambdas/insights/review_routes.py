"""HTTP routes of reviews, their aspects and their duplicates."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Query

from lambdas.insights.aspects import AspectReader
from lambdas.insights.duplicates import DuplicateReader
from lambdas.insights.parameters import (
    Category,
    FirstDay,
    Language,
    LastDay,
    Limit,
    ProductId,
    Source,
    Stars,
    check_days,
    check_ratings,
)
from lambdas.insights.products import check_product
from lambdas.insights.reviews import ReviewReader
from shared.db.aspects.queries import AspectQueries
from shared.db.connection import Database
from shared.db.duplicates.queries import DuplicateQueries
from shared.db.ingest.unfinished import missing_warnings
from shared.db.insights.reviews import ReviewFilters, ReviewQueries
from shared.db.insights.trends import TrendQueries
from shared.schemas.aspects import DEFAULT_ASPECTS, AspectList
from shared.schemas.duplicates import DuplicateKind, DuplicatePage
from shared.schemas.insights import ReviewPage
from shared.schemas.sentiment import MismatchFilter, Sentiment
from shared.schemas.values import QUERY_INTEGER, Cursor, PlainText


def add_routes(app: FastAPI, database: Callable[[], Database]) -> None:
    """Add GET /reviews, /aspects and /duplicates."""

    @app.get("/reviews", tags=["insights"])
    def reviews(
        product_id: ProductId = None,
        category: Category = None,
        source: Source = None,
        sentiment: Sentiment | None = None,
        language: Language = None,
        mismatch: Annotated[
            MismatchFilter | None,
            Query(description="whether the rating contradicts the text, or how it does"),
        ] = None,
        min_rating: Stars = None,
        max_rating: Stars = None,
        first_day: FirstDay = None,
        last_day: LastDay = None,
        aspect: Annotated[
            PlainText | None, Query(max_length=60, description="only reviews that mention it")
        ] = None,
        limit: Limit = 50,
        cursor: Cursor | None = None,
    ) -> ReviewPage:
        """Reviews that match all filters, newest first."""
        check_ratings(min_rating, max_rating)
        check_days(first_day, last_day)
        check_product(database(), product_id)
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
            language=language,
        )
        return ReviewReader(ReviewQueries(database()), TrendQueries(database())).page(
            filters, limit, cursor
        )

    @app.get("/aspects", tags=["insights"])
    def aspects(
        product_id: ProductId = None,
        category: Category = None,
        limit: Annotated[int, Query(ge=1, le=100), QUERY_INTEGER] = DEFAULT_ASPECTS,
        min_reviews: Annotated[int, Query(ge=1, le=2**31 - 1), QUERY_INTEGER] = 3,
        cursor: Cursor | None = None,
    ) -> AspectList:
        """What reviews praise and complain about: of a product, a category or all products."""
        check_product(database(), product_id)
        warnings = missing_warnings(database())
        reader = AspectReader(AspectQueries(database()))
        answer = reader.aspects(product_id, category, limit, min_reviews, cursor)
        return answer.model_copy(update={"warnings": warnings})

    @app.get("/duplicates", tags=["insights"])
    def duplicates(
        product_id: ProductId = None,
        kind: DuplicateKind | None = None,
        limit: Limit = 50,
        cursor: Cursor | None = None,
    ) -> DuplicatePage:
        """Groups of reviews with the same or nearly the same text."""
        check_product(database(), product_id)
        warnings = missing_warnings(database())
        reader = DuplicateReader(DuplicateQueries(database()))
        page = reader.page(product_id, kind, limit, cursor)
        return page.model_copy(update={"warnings": warnings})
