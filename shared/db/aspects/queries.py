"""Queries for insights: aspects with their counts and quotes, and their freshness."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from shared.db.connection import Database
from shared.db.ingest.shards import OPEN_SHARD

_MAX_CANDIDATES = 200
"""Aspects with the most reviews, from which the shown ones are selected."""
_MAX_QUOTES = 8
"""Per aspect and sentiment; equal quotes among them are shown once."""

_COUNTS: LiteralString = """
SELECT c.aspect, c.mentions, c.reviews, c.negative, c.neutral, c.positive,
       everywhere.reviews AS reviews_everywhere,
       coalesce(k.mentions - c.mentions, 0) AS category_mentions,
       coalesce(k.negative - c.negative, 0) AS category_negative
FROM (
    SELECT * FROM aspect_counts
    WHERE scope = %(scope)s AND name = %(name)s AND aspect <> '' AND reviews >= %(min_reviews)s
    ORDER BY reviews DESC, aspect LIMIT %(limit)s
) AS c JOIN aspect_counts AS everywhere
    ON everywhere.scope = 'all' AND everywhere.name = '' AND everywhere.aspect = c.aspect
LEFT JOIN aspect_counts AS k
    ON k.scope = 'category' AND k.name = %(category)s AND k.aspect = c.aspect
ORDER BY c.reviews DESC, c.aspect
"""
_REVIEW_COUNTS: LiteralString = """
SELECT coalesce(sum(reviews) FILTER (WHERE scope = %(scope)s AND name = %(name)s), 0)::bigint,
       coalesce(sum(reviews) FILTER (WHERE scope = 'all'), 0)::bigint
FROM aspect_counts
WHERE aspect = '' AND (scope, name) IN ((%(scope)s, %(name)s), ('all', ''))
"""
_PRODUCT: LiteralString = (
    "SELECT title, category FROM products WHERE product_id = %s"
    " AND (%s::text IS NULL OR coalesce(category, '') = %s::text)"
)
_FRESHNESS: LiteralString = f"""
SELECT least((SELECT min(logged_at) FROM text_changes),
             (SELECT min(received_at) FROM ingests JOIN shards USING (ingest_id)
              WHERE {OPEN_SHARD}),
             now()),
       (SELECT count(DISTINCT review_id) FROM text_changes, unnest(review_ids) AS review_id),
       (SELECT coalesce(sum(rows), 0) FROM shards WHERE {OPEN_SHARD})
"""  # noqa: S608 - constants


def _quotes_query(condition: LiteralString) -> LiteralString:
    return f"""
SELECT w.aspect, q.sentiment, r.review_id, r.rating, r.reviewed_at,
       substr(r.text, q.starts + 1, q.ends - q.starts) AS text
FROM unnest(%(aspects)s::text[]) AS w (aspect)
CROSS JOIN (VALUES ('negative'), ('positive')) AS s (sentiment)
CROSS JOIN LATERAL (
    SELECT m.review_id, m.sentiment, m.confidence, m.starts, m.ends FROM aspect_mentions AS m
    WHERE {condition} m.aspect = w.aspect AND m.sentiment = s.sentiment
    ORDER BY m.confidence DESC, m.review_id LIMIT %(limit)s
) AS q JOIN reviews AS r USING (review_id)
ORDER BY w.aspect, q.sentiment, q.confidence DESC, r.review_id
"""  # noqa: S608 - constants of this module


_QUOTES_BY_SCOPE: dict[str, LiteralString] = {
    "all": _quotes_query(""),
    "category": _quotes_query("m.category = %(name)s AND"),
    "product": _quotes_query("m.product_id = %(name)s AND"),
}

_SENTENCES: LiteralString = """
SELECT m.aspect, m.sentiment, m.confidence, r.review_id, r.rating, r.reviewed_at,
       substr(r.text, m.starts + 1, m.ends - m.starts) AS text
FROM aspect_mentions AS m JOIN reviews AS r USING (review_id)
WHERE m.review_id = ANY(%s) AND m.aspect = ANY(%s) AND m.ends - m.starts <= %s
ORDER BY m.confidence DESC, m.review_id, m.place
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """The reviews whose aspects are read: of a product, of a category, or all (by default)."""

    product_id: str | None = None
    category: str | None = None

    @property
    def key(self) -> dict[str, str]:
        """Key columns of aspect_counts."""
        if self.product_id is not None:
            return {"scope": "product", "name": self.product_id}
        if self.category is not None:
            return {"scope": "category", "name": self.category}
        return {"scope": "all", "name": ""}


class NamedProduct(NamedTuple):
    """A product; title and category are None where dumps have none."""

    title: str | None
    category: str | None


class AspectQueries:
    """Reads aspects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def freshness(self) -> tuple[datetime, int, int]:
        """Time up to which the counts are complete; reviews pending, and not analysed yet."""
        with self._database.transaction() as connection:
            row = connection.execute(_FRESHNESS).fetchone()
        assert row is not None  # noqa: S101 - without FROM, there is one row
        return row[0], int(row[1]), int(row[2])

    def find_product(self, product_id: str, category: str | None) -> NamedProduct | None:
        """The product, if it exists (in the category, if one is given)."""
        with self._database.transaction() as connection:
            row = connection.execute(_PRODUCT, (product_id, category, category)).fetchone()
        return NamedProduct(*row) if row else None

    def review_counts(self, scope: Scope) -> tuple[int, int]:
        """Number of reviews that were read for aspects: in the scope, and in total."""
        with self._database.transaction() as connection:
            row = connection.execute(_REVIEW_COUNTS, scope.key).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def counts(
        self, scope: Scope, min_reviews: int, category: str | None = None
    ) -> list[dict[str, Any]]:
        """Aspects mentioned by at least ``min_reviews`` reviews, most reviews first.

        Args:
            scope: the reviews.
            min_reviews: aspects that fewer of them mention are left out.
            category: that of the product, where the reviews are those of one.

        Returns:
            aspect, mentions, reviews, negative, neutral, positive, reviews_everywhere (of all
            products), and the sentences about it in reviews of the other products of the category:
            category_mentions and category_negative, 0 without a category.
        """
        limits = {"min_reviews": min_reviews, "limit": _MAX_CANDIDATES, "category": category}
        return self._database.fetch_dicts(_COUNTS, {**scope.key, **limits})

    def quotes(self, scope: Scope, aspects: Sequence[str]) -> list[dict[str, Any]]:
        """Positive and negative sentences about aspects, the most confident first.

        Returns:
            aspect, sentiment, review_id, rating, reviewed_at, text.
        """
        key = scope.key
        arguments = {**key, "aspects": list(aspects), "limit": _MAX_QUOTES}
        return self._database.fetch_dicts(_QUOTES_BY_SCOPE[key["scope"]], arguments)

    def sentences(
        self, review_ids: Sequence[str], aspects: Sequence[str], max_characters: int
    ) -> list[dict[str, Any]]:
        """What some reviews say of aspects, the most confident sentence first.

        Args:
            review_ids: the reviews, at most a few hundred.
            aspects: the aspects.
            max_characters: longer sentences are left out.

        Returns:
            aspect, sentiment, confidence, review_id, rating, reviewed_at, text.
        """
        arguments = (list(review_ids), list(aspects), max_characters)
        return self._database.fetch_dicts(_SENTENCES, arguments)
