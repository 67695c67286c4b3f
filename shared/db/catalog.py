"""Reads for insights: products with their counts, and reviews with what the model says of them.

A review counts with one analysis: that of the model that judged it last.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed

from shared.db.connection import Database

_NEWEST = """
LEFT JOIN LATERAL (
    SELECT sentiment, confidence, model_version FROM analyses
    WHERE review_id = r.review_id ORDER BY analysed_at DESC, model_version DESC LIMIT 1
) AS a ON true
"""

_FACTS = f"""
CROSS JOIN LATERAL (
    SELECT count(*) AS reviews, avg(r.rating)::float8 AS mean_rating,
           count(a.sentiment) AS analysed,
           count(*) FILTER (WHERE a.sentiment = 'negative') AS negative,
           count(*) FILTER (WHERE a.sentiment = 'neutral') AS neutral,
           count(*) FILTER (WHERE a.sentiment = 'positive') AS positive
    FROM reviews AS r {_NEWEST} WHERE r.product_id = p.product_id
) AS facts
"""  # noqa: S608 - constants of this module

# The inner query counts on the index alone; ratings and analyses are read for one page.
_PAGE = f"""
SELECT p.product_id, p.title, p.category, facts.* FROM (
    SELECT product_id, count(*) AS n FROM reviews WHERE product_id IS NOT NULL
    GROUP BY product_id
    HAVING %(n)s::bigint IS NULL OR count(*) < %(n)s::bigint
        OR (count(*) = %(n)s::bigint AND product_id > %(product_id)s)
    ORDER BY n DESC, product_id LIMIT %(limit)s
) AS page JOIN products AS p USING (product_id) {_FACTS}
ORDER BY page.n DESC, p.product_id
"""  # noqa: S608 - as above

_PRODUCT = f"""
SELECT p.product_id, p.title, p.category, facts.* FROM products AS p {_FACTS}
WHERE p.product_id = %s
"""  # noqa: S608 - as above

_REVIEWS = f"""
SELECT r.review_id, r.product_id, r.source, r.rating, r.title, r.text, r.reviewed_at, r.verified,
       r.helpful_votes, a.sentiment, a.confidence, a.model_version
FROM reviews AS r {_NEWEST}
"""  # noqa: S608 - as above


_MENTIONS = SQL(
    "EXISTS (SELECT FROM aspect_mentions AS m WHERE m.review_id = r.review_id AND m.aspect = %s)"
)


@dataclass(frozen=True, slots=True)
class ReviewFilters:
    """All that are given must hold; dates are inclusive, in UTC."""

    product_id: str | None = None
    sentiment: str | None = None
    min_rating: float | None = None
    max_rating: float | None = None
    first_day: date | None = None
    last_day: date | None = None
    aspect: str | None = None

    def conditions(self) -> list[tuple[SQL, object]]:
        """The conditions in SQL, each with its argument."""
        told: list[tuple[SQL, object]] = [
            (SQL("r.product_id = %s"), self.product_id),
            (SQL("a.sentiment = %s"), self.sentiment),
            (SQL("r.rating >= %s"), self.min_rating),
            (SQL("r.rating <= %s"), self.max_rating),
            (SQL("r.reviewed_at >= %s::timestamp AT TIME ZONE 'UTC'"), self.first_day),
            (SQL("r.reviewed_at < (%s::date + 1)::timestamp AT TIME ZONE 'UTC'"), self.last_day),
            (_MENTIONS, self.aspect),
        ]
        return [(condition, value) for condition, value in told if value is not None]


ReviewPosition = tuple[datetime | None, str]
"""Date and id of the last review of a page."""


class Catalog:
    """Reads products and reviews."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def products(self, limit: int, after: tuple[int, str] | None) -> list[dict[str, Any]]:
        """Products with most reviews first.

        Args:
            limit: how many.
            after: (reviews, product_id) of the last one of the page before.

        Returns:
            product_id, title, category, reviews, mean_rating, analysed, negative, neutral,
            positive.
        """
        count, product_id = after or (None, None)
        return self._rows(
            SQL(_PAGE).format(), {"n": count, "product_id": product_id, "limit": limit}
        )

    def product(self, product_id: str) -> dict[str, Any] | None:
        """One product as in ``products``; None where it is unknown."""
        found = self._rows(SQL(_PRODUCT).format(), (product_id,))
        return found[0] if found else None

    def reviews(
        self, filters: ReviewFilters, limit: int, after: ReviewPosition | None
    ) -> list[dict[str, Any]]:
        """Reviews, newest first and those without a date last."""
        conditions = filters.conditions()
        wanted = [condition for condition, _ in conditions]
        values = [value for _, value in conditions]
        if after is not None and after[0] is None:
            wanted.append(SQL("r.reviewed_at IS NULL AND r.review_id > %s"))
            values.append(after[1])
        elif after is not None:
            wanted.append(
                SQL(
                    "(r.reviewed_at < %s OR r.reviewed_at IS NULL"
                    " OR (r.reviewed_at = %s AND r.review_id > %s))"
                )
            )
            values += [after[0], after[0], after[1]]
        query = SQL("{} {} ORDER BY r.reviewed_at DESC NULLS LAST, r.review_id LIMIT %s").format(
            SQL(_REVIEWS), SQL("WHERE {}").format(SQL(" AND ").join(wanted)) if wanted else SQL("")
        )
        return self._rows(query, (*values, limit))

    def _rows(self, query: Composed, arguments: Any) -> list[dict[str, Any]]:
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            return cursor.execute(query, arguments).fetchall()
