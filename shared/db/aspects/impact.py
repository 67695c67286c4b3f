"""Queries for insights: what each review says of aspects, with its stars."""

from collections.abc import Sequence
from typing import Any

from psycopg.sql import SQL

from shared.db.connection import Database
from shared.db.insights.reviews import ReviewFilters

MAX_REVIEWS = 5_000
"""The newest reviews of a scope; more of them would hardly make an estimate surer."""

_READ = SQL("""
WITH sample AS MATERIALIZED (
    SELECT f.review_id, f.rating, f.sentiment, f.at, f.day FROM review_facts AS f {where}
    ORDER BY f.at DESC, f.review_id LIMIT %s
)
SELECT s.review_id, nullif(s.day, '-infinity') AS day, s.rating,
       s.sentiment IS NOT NULL AS understood,
       CASE s.sentiment WHEN 'negative' THEN -1 WHEN 'positive' THEN 1 ELSE 0 END AS mood,
       said.numbers, said.complains, said.praises
FROM sample AS s JOIN aspect_mentions AS own ON own.review_id = s.review_id AND own.place = 0
LEFT JOIN LATERAL (
    SELECT array_agg(number) AS numbers, array_agg(complains) AS complains,
           array_agg(praises) AS praises
    FROM (
        SELECT w.number::int - 1 AS number, bool_or(m.sentiment = 'negative') AS complains,
               bool_or(m.sentiment = 'positive') AS praises
        FROM aspect_mentions AS m
        JOIN unnest(%s::text[]) WITH ORDINALITY AS w (aspect, number) ON w.aspect = m.aspect
        WHERE m.review_id = s.review_id GROUP BY 1
    ) AS each
) AS said ON true
ORDER BY s.at DESC, s.review_id
""")


class ImpactQueries:
    """Reads what reviews say of aspects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reviews(self, filters: ReviewFilters, aspects: Sequence[str]) -> list[dict[str, Any]]:
        """The newest reviews that were read for aspects, at most 5,000.

        Args:
            filters: which reviews.
            aspects: the aspects to look for.

        Returns:
            Newest first: review_id; day, None without a date; rating; understood, whether the
            review has a sentiment; mood, that sentiment: -1, 0 or 1; numbers, the positions in
            ``aspects`` of those that it mentions, or None; complains and praises, whether it has a
            negative and a positive sentence about each of them.
        """
        conditions = filters.conditions()
        clauses = SQL(" AND ").join(condition for condition, _ in conditions)
        where = SQL("WHERE {}").format(clauses) if conditions else SQL("")
        arguments = (*(value for _, value in conditions), MAX_REVIEWS, list(aspects))
        return self._database.fetch_dicts(_READ.format(where=where), arguments)
