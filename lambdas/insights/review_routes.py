"""HTTP routes of reviews, their aspects and their duplicates."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Query

from lambdas.insights.aspects import AspectReader
from lambdas.insights.duplicates import DuplicateReader
from lambdas.insights.impact import ImpactReader
from lambdas.insights.parameters import (
    Category,
    FirstDay,
    Language,
    LastDay,
    Limit,
    MaxRating,
    MinRating,
    ProductId,
    Source,
    check_aspect,
    check_days,
    check_ratings,
)
from lambdas.insights.products import check_product
from lambdas.insights.reviews import ReviewReader
from lambdas.insights.tables import TABLE_RESPONSES, Table
from shared.db.aspects.queries import AspectQueries
from shared.db.connection import Database
from shared.db.duplicates.queries import DuplicateQueries
from shared.db.ingest.unfinished import missing_warnings
from shared.db.insights.reviews import ReviewFilters, ReviewQueries
from shared.db.insights.trends import TrendQueries
from shared.schemas.aspects import DEFAULT_ASPECTS, Aspect, AspectList
from shared.schemas.duplicates import DuplicateKind, DuplicatePage
from shared.schemas.insights import ReviewPage, StoredReview
from shared.schemas.sentiment import MismatchFilter, Sentiment
from shared.schemas.values import QUERY_INTEGER, PlainText, QueryCursor, QueryFlag


def add_routes(app: FastAPI, database: Callable[[], Database]) -> None:
    """Add GET /reviews, /aspects and /duplicates."""

    @app.get("/reviews", tags=["insights"], response_model=ReviewPage, responses=TABLE_RESPONSES)
    def reviews(
        table: Table,
        product_id: ProductId = None,
        category: Category = None,
        source: Source = None,
        sentiment: Annotated[
            Sentiment | None,
            Query(
                description="Only reviews with this sentiment; reviews that the model does not"
                " understand have none."
            ),
        ] = None,
        language: Language = None,
        mismatch: Annotated[
            MismatchFilter | None,
            Query(
                description="`true`: only reviews whose stars, text and pictures contradict each"
                " other; `false`: only the others; or which two of them do and how; or `stars`,"
                " `text` or `picture`: that one contradicts both others, which agree."
            ),
        ] = None,
        min_rating: MinRating = None,
        max_rating: MaxRating = None,
        first_day: FirstDay = None,
        last_day: LastDay = None,
        aspect: Annotated[
            PlainText | None,
            Query(
                max_length=60,
                description="Only reviews that mention this aspect, a name from `GET /aspects`.",
            ),
        ] = None,
        aspect_sentiment: Annotated[
            Sentiment | None,
            Query(
                description="Only reviews with a sentence about `aspect` that has this sentiment;"
                " it needs `aspect`."
            ),
        ] = None,
        limit: Limit = 50,
        cursor: QueryCursor = None,
    ) -> Any:
        """Reviews that match all filters, newest first.

        Reviews without a date come last. Links in figures lead here.
        """
        check_ratings(min_rating, max_rating)
        check_days(first_day, last_day)
        check_aspect(aspect, aspect_sentiment)
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
            aspect_sentiment=aspect_sentiment and aspect_sentiment.value,
            language=language,
        )
        reader = ReviewReader(ReviewQueries(database()), TrendQueries(database()))
        page = reader.page(filters, limit, cursor)
        return table.answer(page, page.reviews, StoredReview, page.next_cursor)

    @app.get("/aspects", tags=["insights"], response_model=AspectList, responses=TABLE_RESPONSES)
    def aspects(
        table: Table,
        product_id: ProductId = None,
        category: Category = None,
        limit: Annotated[
            int,
            Query(ge=1, le=100, description="Most aspects of the answer, 1 to 100."),
            QUERY_INTEGER,
        ] = DEFAULT_ASPECTS,
        min_reviews: Annotated[
            int,
            Query(
                ge=1,
                le=2**31 - 1,
                description="Only aspects that at least so many reviews mention.",
            ),
            QUERY_INTEGER,
        ] = 3,
        impact: Annotated[
            QueryFlag,
            Query(
                description="`true`: also what each aspect costs in stars, computed from the newest"
                " 5,000 reviews."
            ),
        ] = False,
        cursor: QueryCursor = None,
    ) -> Any:
        """What reviews praise and complain about: of a product, a category or all products.

        Aspects are found in the texts; there is no list of them beforehand. Each has its
        sentiment, sentences that prove it, and a link to its reviews. An aspect of a product is
        compared with the other products of its category.
        """
        check_product(database(), product_id)
        warnings = missing_warnings(database())
        reader = AspectReader(AspectQueries(database()), ImpactReader(database()))
        answer = reader.aspects(product_id, category, limit, min_reviews, cursor, impact=impact)
        answer = answer.model_copy(update={"warnings": warnings})
        return table.answer(answer, answer.aspects, Aspect, answer.next_cursor)

    @app.get("/duplicates", tags=["insights"])
    def duplicates(
        product_id: ProductId = None,
        kind: Annotated[
            DuplicateKind | None,
            Query(
                description="Only groups with the same text, or with nearly the same. Absent: both."
            ),
        ] = None,
        limit: Limit = 50,
        cursor: QueryCursor = None,
    ) -> DuplicatePage:
        """Groups of reviews with the same or nearly the same text.

        They are found across products and dumps; with `product_id`, only groups with a review of
        that product.
        """
        check_product(database(), product_id)
        warnings = missing_warnings(database())
        reader = DuplicateReader(DuplicateQueries(database()))
        page = reader.page(product_id, kind, limit, cursor)
        return page.model_copy(update={"warnings": warnings})
