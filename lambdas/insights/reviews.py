"""Pages of reviews."""

from datetime import datetime

from pydantic import TypeAdapter

from lambdas.insights.figures import read_freshness
from shared.db.insights.reviews import ReviewFilters, ReviewQueries
from shared.db.insights.trends import TrendQueries
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import MAX_ANSWER_BYTES, fit_page
from shared.schemas.insights import ReviewPage, StoredReview

_POSITION: TypeAdapter[tuple[datetime | None, str]] = TypeAdapter(tuple[datetime | None, str])


class ReviewReader:
    """Answers /reviews."""

    def __init__(self, reviews: ReviewQueries, trends: TrendQueries) -> None:
        self._reviews = reviews
        self._trends = trends

    def page(self, filters: ReviewFilters, limit: int, cursor: str | None) -> ReviewPage:
        """Read a page of reviews."""
        freshness = read_freshness(self._trends)
        after = decode_cursor(_POSITION, cursor) if cursor else None
        rows = self._reviews.reviews(filters, limit + 1, after, max_bytes=MAX_ANSWER_BYTES)
        page, has_more = fit_page([StoredReview(**row) for row in rows], limit)
        last = (page[-1].reviewed_at, page[-1].review_id) if has_more else None
        next_cursor = encode_cursor(_POSITION, last) if last else None
        return ReviewPage(reviews=page, next_cursor=next_cursor, freshness=freshness)
