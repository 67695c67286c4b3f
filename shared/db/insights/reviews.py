"""Queries for insights: filtered reviews with their newest analysis.

Filters use ``review_facts``, which records how the figures count each review, so that a list
contains exactly the reviews of a figure. Titles and texts are only read for one page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, get_args

from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.db.connection import Database
from shared.schemas.pictures import URL_SEPARATOR
from shared.schemas.review import LISTED_FIELDS
from shared.schemas.sentiment import Mismatch, MismatchFilter, Opinion

_PAGE = SQL("""
WITH page AS MATERIALIZED (
    SELECT f.* FROM review_facts AS f {where} ORDER BY f.at DESC, f.review_id LIMIT %s
), sized AS (
    SELECT f.*, coalesce(sum(octet_length(r.text) + coalesce(octet_length(r.title), 0)) OVER (
               ORDER BY f.at DESC, f.review_id ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING
           ), 0) AS bytes_before
    FROM page AS f JOIN reviews AS r USING (review_id)
)
SELECT {fields}, f.sentiment, f.confidence, a.mixed, f.language, f.model_version,
       CASE f.mismatch {mismatches} END AS mismatch, f.disagrees,
       coalesce(cardinality(string_to_array(r.picture_urls, {separator})), 0) AS pictures,
       CASE WHEN f.sentiment IS NOT NULL THEN coalesce(a.sentiment_model, f.model_version) END
           AS sentiment_model
FROM sized AS f JOIN reviews AS r USING (review_id)
LEFT JOIN analyses AS a ON a.review_id = f.review_id AND a.model_version = f.model_version
WHERE f.bytes_before <= %s
ORDER BY f.at DESC, f.review_id
""")
_FIELDS = SQL(", ").join(Identifier("r", field.sql_column) for field in LISTED_FIELDS)
_UNDATED = "-infinity"
_MENTIONS_ASPECT = SQL(
    "EXISTS (SELECT FROM aspect_mentions AS m WHERE m.review_id = f.review_id AND m.aspect = %s)"
)
_SAYS_OF_ASPECT = SQL(
    "EXISTS (SELECT FROM aspect_mentions AS m WHERE m.review_id = f.review_id"
    " AND m.sentiment = {} AND m.aspect = %s)"
)

_CODES: Mapping[Mismatch, int] = {
    "stars_above_text": 1, "stars_below_text": -1,
    "picture_above_text": 2, "picture_below_text": -2,
    "stars_above_picture": 3, "stars_below_picture": -3,
}  # fmt: skip
"""The values of ``review_facts.mismatch`` (see rollup_sql.py)."""
_NAMES = SQL(" ").join(
    SQL("WHEN {} THEN {}").format(Literal(code), Literal(name)) for name, code in _CODES.items()
)
_SOME = SQL("f.mismatch <> 0 AND {} AND %s")
_MISMATCHES: Mapping[MismatchFilter, SQL | Composed] = {
    "true": SQL("f.mismatch <> 0 AND %s"),
    "false": SQL("f.mismatch = 0 AND %s"),
    **{
        name: _SOME.format(SQL("f.mismatch = {}").format(Literal(code)))
        for name, code in _CODES.items()
    },
    **{
        who: _SOME.format(SQL("f.disagrees = {}").format(Literal(who))) for who in get_args(Opinion)
    },
}


@dataclass(frozen=True, slots=True)
class ReviewFilters:
    """Reviews must match all given filters; dates are inclusive, in UTC; empty category: none."""

    product_id: str | None = None
    sentiment: str | None = None
    min_rating: float | None = None
    max_rating: float | None = None
    first_day: date | None = None
    last_day: date | None = None
    category: str | None = None
    source: str | None = None
    mismatch: MismatchFilter | None = None
    aspect: str | None = None
    aspect_sentiment: str | None = None
    language: str | None = None

    def conditions(self) -> list[tuple[SQL | Composed, object]]:
        """The SQL conditions, each with its argument."""
        conditions: list[tuple[SQL | Composed, object]] = [
            (SQL("f.product_id = %s"), self.product_id),
            (SQL("f.category = %s"), self.category),
            (SQL("f.source = %s"), self.source),
            (SQL("f.sentiment = %s"), self.sentiment),
            (SQL("f.language = %s"), self.language),
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
            *self._aspect_conditions(),
        ]
        if self.mismatch is not None:
            # a literal condition: the planner uses the partial index only if it sees its condition
            conditions.append((_MISMATCHES[self.mismatch], True))
        return [(condition, value) for condition, value in conditions if value is not None]

    def _aspect_conditions(self) -> list[tuple[SQL | Composed, object]]:
        if self.aspect is None or self.aspect_sentiment is None:
            return [(_MENTIONS_ASPECT, self.aspect)]
        says = _SAYS_OF_ASPECT.format(Literal(self.aspect_sentiment))
        return [(says, self.aspect)]


ReviewPosition = tuple[datetime | None, str]
"""Date and id of the last review of a page."""


def _timestamp(at: datetime | None) -> datetime | str:
    """Convert to UTC; a result outside of Python's years becomes infinite."""
    if at is None:
        return _UNDATED
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return _UNDATED if at.year == 1 else "infinity"


class ReviewQueries:
    """Reads reviews."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reviews(
        self, filters: ReviewFilters, limit: int, after: ReviewPosition | None, *, max_bytes: int
    ) -> list[dict[str, Any]]:
        """A page of reviews, newest first; reviews without a date come last.

        Args:
            filters: which reviews.
            limit: how many.
            after: the last review of the page before.
            max_bytes: the page ends with the review after the one at which its texts exceed this
                size, so that the caller sees that more follow.
        """
        conditions = filters.conditions()
        clauses = [condition for condition, _ in conditions]
        values = [value for _, value in conditions]
        if after is not None:
            at = _timestamp(after[0])
            clauses.append(SQL("f.at <= %s::timestamptz AND (f.at < %s::timestamptz"
                              " OR f.review_id > %s)"))  # fmt: skip
            values += [at, at, after[1]]
        where = SQL("WHERE {}").format(SQL(" AND ").join(clauses)) if clauses else SQL("")
        parts = {"mismatches": _NAMES, "separator": Literal(URL_SEPARATOR), "where": where}
        query = _PAGE.format(fields=_FIELDS, **parts)
        return self._database.fetch_dicts(query, (*values, limit, max_bytes))

    def ids(self, filters: ReviewFilters, limit: int) -> list[str]:
        """The ids of reviews, newest first; those without a date come last."""
        conditions = filters.conditions()
        clauses = SQL(" AND ").join(condition for condition, _ in conditions)
        where = SQL("WHERE {}").format(clauses) if conditions else SQL("")
        query = SQL(
            "SELECT f.review_id FROM review_facts AS f {} ORDER BY f.at DESC, f.review_id LIMIT %s"
        ).format(where)
        rows = self._database.fetch_dicts(query, (*(value for _, value in conditions), limit))
        return [row["review_id"] for row in rows]
