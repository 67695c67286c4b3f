"""Reads for insights: aspects with their counts and quotes, and how fresh both are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg.rows import dict_row

from shared.db.connection import Database

_CANDIDATES = 200
"""Aspects with most reviews among which those to show are chosen."""
_QUOTES = 8
"""Of each aspect and sentiment; equal ones among them are shown once."""

_COUNTS: LiteralString = """
SELECT c.aspect, c.mentions, c.reviews, c.negative, c.neutral, c.positive,
       everywhere.reviews AS reviews_everywhere
FROM (
    SELECT * FROM aspect_counts
    WHERE scope = %(scope)s AND name = %(name)s AND aspect <> '' AND reviews >= %(least)s
    ORDER BY reviews DESC, aspect LIMIT %(most)s
) AS c JOIN aspect_counts AS everywhere
    ON everywhere.scope = 'all' AND everywhere.name = '' AND everywhere.aspect = c.aspect
ORDER BY c.reviews DESC, c.aspect
"""
_READ: LiteralString = """
SELECT coalesce(sum(reviews) FILTER (WHERE scope = %(scope)s AND name = %(name)s), 0)::bigint,
       coalesce(sum(reviews) FILTER (WHERE scope = 'all'), 0)::bigint
FROM aspect_counts
WHERE aspect = '' AND (scope, name) IN ((%(scope)s, %(name)s), ('all', ''))
"""
_PRODUCT_CATEGORY: LiteralString = (
    "SELECT title FROM products WHERE product_id = %s"
    " AND (%s::text IS NULL OR coalesce(category, '') = %s::text)"
)
_FRESHNESS: LiteralString = """
SELECT coalesce((SELECT min(logged_at) FROM text_changes), now()),
       (SELECT count(DISTINCT review_id) FROM text_changes, unnest(review_ids) AS review_id)
       + (SELECT coalesce(sum(rows), 0) FROM shards WHERE model_version IS NULL AND rows > 0)
"""


def _quotes(condition: LiteralString) -> LiteralString:
    return f"""
SELECT w.aspect, q.sentiment, r.review_id, r.rating, r.reviewed_at,
       substr(r.text, q.starts + 1, q.ends - q.starts) AS text
FROM unnest(%(aspects)s::text[]) AS w (aspect)
CROSS JOIN (VALUES ('negative'), ('positive')) AS s (sentiment)
CROSS JOIN LATERAL (
    SELECT m.review_id, m.sentiment, m.confidence, m.starts, m.ends FROM aspect_mentions AS m
    WHERE {condition} m.aspect = w.aspect AND m.sentiment = s.sentiment
    ORDER BY m.confidence DESC, m.review_id LIMIT %(most)s
) AS q JOIN reviews AS r USING (review_id)
ORDER BY w.aspect, q.sentiment, q.confidence DESC, r.review_id
"""  # noqa: S608 - constants of this module


_QUOTES_OF: dict[str, LiteralString] = {
    "all": _quotes(""),
    "category": _quotes("m.category = %(name)s AND"),
    "product": _quotes("m.product_id = %(name)s AND"),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose aspects: of a product, a category, or all; one of the two at most."""

    product_id: str | None = None
    category: str | None = None

    @property
    def key(self) -> dict[str, str]:
        """As aspect_counts spells it."""
        if self.product_id is not None:
            return {"scope": "product", "name": self.product_id}
        if self.category is not None:
            return {"scope": "category", "name": self.category}
        return {"scope": "all", "name": ""}


class AspectCatalog:
    """Reads aspects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def freshness(self) -> tuple[datetime, int]:
        """Up to when all is counted, and how many reviews wait."""
        with self._database.transaction() as connection:
            row = connection.execute(_FRESHNESS).fetchone()
        assert row is not None  # noqa: S101 - there is no FROM
        return row[0], int(row[1])

    def title(self, product_id: str, category: str | None) -> tuple[bool, str | None]:
        """Whether there is such a product (in that category, where one is given); its title."""
        with self._database.transaction() as connection:
            found = connection.execute(
                _PRODUCT_CATEGORY, (product_id, category, category)
            ).fetchone()
        return found is not None, found[0] if found else None

    def reviews_read(self, scope: Scope) -> tuple[int, int]:
        """Reviews that were read for aspects: those of the scope, and all."""
        with self._database.transaction() as connection:
            row = connection.execute(_READ, scope.key).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def counts(self, scope: Scope, least: int) -> list[dict[str, Any]]:
        """Aspects that at least so many reviews mention, most reviews first.

        Returns:
            aspect, mentions, reviews, negative, neutral, positive, and reviews_everywhere: of all
            products.
        """
        given = {**scope.key, "least": least, "most": _CANDIDATES}
        return self._rows(_COUNTS, given)

    def quotes(self, scope: Scope, aspects: Sequence[str]) -> list[dict[str, Any]]:
        """Sentences that speak well or badly of aspects, the surest first.

        Returns:
            aspect, sentiment, review_id, rating, reviewed_at, text.
        """
        key = scope.key
        given = {**key, "aspects": list(aspects), "most": _QUOTES}
        return self._rows(_QUOTES_OF[key["scope"]], given)

    def _rows(self, query: LiteralString, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            return cursor.execute(query, arguments).fetchall()
