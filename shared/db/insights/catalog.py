"""Reads for insights: reviews by their filters, each with what the model said of it last.

A review counts with one analysis: that of the model that judged it last. Filters go over
``review_facts``, which says how the figures count each review, so a list holds just the reviews
that a figure counts; titles and texts are read for one page only.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed, Identifier

from shared.db.connection import Database
from shared.schemas.review import LISTED_FIELDS

_PAGE = SQL("""
WITH page AS MATERIALIZED (
    SELECT f.* FROM review_facts AS f {wanted} ORDER BY f.at DESC, f.review_id LIMIT %s
)
SELECT {fields}, f.sentiment, f.confidence, f.model_version,
       CASE f.mismatch WHEN 1 THEN 'stars_above_text' WHEN -1 THEN 'stars_below_text' END
           AS mismatch
FROM page AS f JOIN reviews AS r USING (review_id)
ORDER BY f.at DESC, f.review_id
""")
_FIELDS = SQL(", ").join(Identifier("r", field.sql_column) for field in LISTED_FIELDS)
_UNDATED = "-infinity"
_MENTIONS = SQL(
    "EXISTS (SELECT FROM aspect_mentions AS m WHERE m.review_id = f.review_id AND m.aspect = %s)"
)


@dataclass(frozen=True, slots=True)
class ReviewFilters:
    """All that are given must hold; dates are inclusive, in UTC; an empty category is none."""

    product_id: str | None = None
    sentiment: str | None = None
    min_rating: float | None = None
    max_rating: float | None = None
    first_day: date | None = None
    last_day: date | None = None
    category: str | None = None
    source: str | None = None
    mismatch: bool | None = None
    aspect: str | None = None

    def conditions(self) -> list[tuple[SQL, object]]:
        """The conditions in SQL, each with its argument."""
        told: list[tuple[SQL, object]] = [
            (SQL("f.product_id = %s"), self.product_id),
            (SQL("f.category = %s"), self.category),
            (SQL("f.source = %s"), self.source),
            (SQL("f.sentiment = %s"), self.sentiment),
            (SQL("f.rating >= %s::real"), self.min_rating),
            (SQL("f.rating <= %s::real"), self.max_rating),
            (SQL("f.at >= %s::timestamp AT TIME ZONE 'UTC'"), self.first_day),
            (
                SQL(
                    "f.at < (%s::date + 1)::timestamp AT TIME ZONE 'UTC'"
                    " AND f.at > '-infinity'::timestamptz"
                ),
                self.last_day,
            ),
            (_MENTIONS, self.aspect),
        ]
        if self.mismatch is not None:
            # spelled out: the planner takes the partial index only where it sees its condition
            spelled = SQL("f.mismatch <> 0 AND %s" if self.mismatch else "f.mismatch = 0 AND %s")
            told.append((spelled, True))
        return [(condition, value) for condition, value in told if value is not None]


ReviewPosition = tuple[datetime | None, str]
"""Date and id of the last review of a page."""


def _moment(at: datetime | None) -> datetime | str:
    """In UTC, as PostgreSQL takes any; what lies outside of Python's years there is infinite."""
    if at is None:
        return _UNDATED
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return _UNDATED if at.year == 1 else "infinity"


class Catalog:
    """Reads reviews."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reviews(
        self, filters: ReviewFilters, limit: int, after: ReviewPosition | None
    ) -> list[dict[str, Any]]:
        """Reviews, newest first and those without a date last."""
        conditions = filters.conditions()
        wanted = [condition for condition, _ in conditions]
        values = [value for _, value in conditions]
        if after is not None:
            at = _moment(after[0])
            wanted.append(SQL("f.at <= %s::timestamptz AND (f.at < %s::timestamptz"
                              " OR f.review_id > %s)"))  # fmt: skip
            values += [at, at, after[1]]
        where = SQL("WHERE {}").format(SQL(" AND ").join(wanted)) if wanted else SQL("")
        return self._rows(_PAGE.format(fields=_FIELDS, wanted=where), (*values, limit))

    def _rows(self, query: Composed, arguments: Any) -> list[dict[str, Any]]:
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            return cursor.execute(query, arguments).fetchall()
