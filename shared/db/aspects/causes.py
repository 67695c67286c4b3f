"""Queries for insights: what reviews next to a change complain about, before and since."""

from collections.abc import Sequence
from typing import Any

from psycopg.sql import SQL, Composed

from shared.db.connection import Database
from shared.db.insights.reviews import ReviewFilters

MAX_REVIEWS_PER_SIDE = 2_000
"""The reviews next to the change, on each side: a change of many more is compared as surely."""
MIN_COMPLAINTS = 3
"""An aspect that fewer of the compared reviews complain about cannot explain a change."""
_MAX_QUOTES = 8
"""Per aspect and side; equal quotes among them are shown once."""

_SAMPLE = SQL("""
WITH before AS MATERIALIZED (
    SELECT f.review_id FROM review_facts AS f WHERE {before}
    ORDER BY f.at DESC, f.review_id LIMIT %s
), after AS MATERIALIZED (
    SELECT f.review_id FROM review_facts AS f WHERE {after}
    ORDER BY f.at, f.review_id DESC LIMIT %s
), sample AS (
    SELECT review_id, false AS is_after FROM before UNION ALL SELECT review_id, true FROM after
)
""")
_COMPARE = SQL("""{sample}
SELECT aspect,
       count(*) FILTER (WHERE NOT is_after) AS reviews_before,
       count(*) FILTER (WHERE is_after) AS reviews_after,
       count(*) FILTER (WHERE NOT is_after AND complains) AS complaints_before,
       count(*) FILTER (WHERE is_after AND complains) AS complaints_after
FROM (
    SELECT m.aspect, review_id, is_after, bool_or(m.sentiment = 'negative') AS complains
    FROM sample JOIN aspect_mentions AS m USING (review_id) GROUP BY 1, 2, 3
) AS said
GROUP BY aspect HAVING aspect = '' OR count(*) FILTER (WHERE complains) >= %s
ORDER BY aspect
""")
_QUOTES = SQL("""{sample}, ranked AS (
    SELECT m.aspect, is_after, review_id, m.sentiment, m.starts, m.ends,
           row_number() OVER (
               PARTITION BY m.aspect, is_after
               ORDER BY m.sentiment = CASE WHEN is_after = %s THEN 'negative' ELSE 'positive' END
                        DESC, m.confidence DESC, review_id, m.place
           ) AS rank
    FROM sample JOIN aspect_mentions AS m USING (review_id) WHERE m.aspect = ANY(%s)
)
SELECT q.aspect, q.is_after, q.sentiment, r.review_id, r.rating, r.reviewed_at,
       substr(r.text, q.starts + 1, q.ends - q.starts) AS text
FROM ranked AS q JOIN reviews AS r USING (review_id) WHERE q.rank <= %s
ORDER BY q.aspect, q.is_after, q.rank
""")


class CauseQueries:
    """Reads what the reviews next to a change complain about."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def compare(self, before: ReviewFilters, after: ReviewFilters) -> list[dict[str, Any]]:
        """Count the reviews that mention and that complain about each aspect, on both sides.

        Args:
            before: reviews before the change, which have a date; the newest are read.
            after: reviews since the change; the oldest are read.

        Returns:
            aspect, reviews_before, reviews_after, complaints_before, complaints_after; the row
            with the empty aspect counts all reviews that were read for aspects.
        """
        sample, values = _sample(before, after)
        query = _COMPARE.format(sample=sample)
        return self._database.fetch_dicts(query, (*values, MIN_COMPLAINTS))

    def quotes(
        self, before: ReviewFilters, after: ReviewFilters, aspects: Sequence[str], *, is_worse: bool
    ) -> list[dict[str, Any]]:
        """Sentences about aspects from both sides.

        Args:
            before: as in ``compare``.
            after: as in ``compare``.
            aspects: which.
            is_worse: complaints are wanted after the change and praise before it, else the reverse.

        Returns:
            aspect, is_after, sentiment, review_id, rating, reviewed_at, text; of each aspect and
            side those with the wanted sentiment first, the most certain of them first.
        """
        sample, values = _sample(before, after)
        query = _QUOTES.format(sample=sample)
        return self._database.fetch_dicts(query, (*values, is_worse, list(aspects), _MAX_QUOTES))


def _sample(before: ReviewFilters, after: ReviewFilters) -> tuple[Composed, list[object]]:
    clauses, values = [], []
    for side in (before, after):
        conditions = side.conditions()
        clauses.append(SQL(" AND ").join(condition for condition, _ in conditions))
        values += [*(value for _, value in conditions), MAX_REVIEWS_PER_SIDE]
    return _SAMPLE.format(before=clauses[0], after=clauses[1]), values
