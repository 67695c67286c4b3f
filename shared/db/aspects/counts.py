"""Counts of aspects: for all reviews, by category and by product."""

from collections.abc import Sequence
from typing import LiteralString

from shared.db.connection import Connection


def add_counts(rows: LiteralString, factor: LiteralString) -> LiteralString:
    """SQL that adds mentions to the counts, or subtracts them.

    Args:
        rows: name of a query with rows of aspect_mentions.
        factor: 1 or -1.
    """
    return f"""
INSERT INTO aspect_counts AS c
    (scope, name, aspect, mentions, reviews, negative, neutral, positive)
SELECT scope, name, aspect, {factor} * count(*), {factor} * count(*) FILTER (WHERE is_first),
       {factor} * count(*) FILTER (WHERE sentiment = 'negative'),
       {factor} * count(*) FILTER (WHERE sentiment = 'neutral'),
       {factor} * count(*) FILTER (WHERE sentiment = 'positive')
FROM {rows} CROSS JOIN LATERAL (
    VALUES ('all', ''), ('category', category), ('product', product_id)
) AS s (scope, name)
WHERE scope <> 'product' OR name <> '' GROUP BY scope, name, aspect
ON CONFLICT (scope, name, aspect) DO UPDATE
SET mentions = c.mentions + excluded.mentions, reviews = c.reviews + excluded.reviews,
    negative = c.negative + excluded.negative, neutral = c.neutral + excluded.neutral,
    positive = c.positive + excluded.positive
"""  # noqa: S608 - constants of this module, here and below


_SUBTRACT: LiteralString = f"""
WITH deleted AS (DELETE FROM aspect_mentions WHERE review_id = ANY(%s) RETURNING *)
{add_counts("deleted", "-1")}
"""  # noqa: S608

# The reading that counts is that of the model with the newest analysis.
_ADD: LiteralString = f"""
WITH readings AS MATERIALIZED (
    SELECT r.review_id, coalesce(r.product_id, '') AS product_id,
           coalesce(p.category, '') AS category, newest.*
    FROM reviews AS r
    LEFT JOIN products AS p ON p.product_id = r.product_id
    CROSS JOIN LATERAL (
        SELECT g.aspects, g.starts, g.ends, g.sentiments, g.confidences, a.sentiment, a.confidence
        FROM analyses AS a JOIN aspect_readings AS g USING (review_id, model_version)
        WHERE a.review_id = r.review_id ORDER BY a.analysed_at DESC, a.model_version DESC LIMIT 1
    ) AS newest
    WHERE r.review_id = ANY(%s)
), new_mentions AS (
    SELECT review_id, 0 AS place, product_id, category, '' AS aspect, sentiment, confidence,
           0 AS starts, 0 AS ends
    FROM readings
    UNION ALL
    SELECT review_id, place, product_id, category, m.aspect, m.sentiment, m.confidence, m.starts,
           m.ends
    FROM readings CROSS JOIN LATERAL unnest(aspects, readings.starts, readings.ends, sentiments,
                                            confidences)
        WITH ORDINALITY AS m (aspect, starts, ends, sentiment, confidence, place)
), inserted AS (
    INSERT INTO aspect_mentions (review_id, place, product_id, category, aspect, is_first,
                                 sentiment, confidence, starts, ends)
    SELECT review_id, place, product_id, category, aspect,
           row_number() OVER (PARTITION BY review_id, aspect ORDER BY place) = 1,
           sentiment, confidence, starts, ends
    FROM new_mentions ORDER BY review_id, place
    RETURNING *
)
{add_counts("inserted", "1")}
"""  # noqa: S608


def recount(connection: Connection, review_ids: Sequence[str]) -> None:
    """Update the counts for reviews; the caller holds the lock of a refresh."""
    arguments = (list(review_ids),)
    connection.execute(_SUBTRACT, arguments)
    connection.execute(_ADD, arguments)
    connection.execute("DELETE FROM aspect_counts WHERE mentions = 0")
