"""The SQL statement that applies logged changes to the figures (see rollups.py)."""
# ruff: noqa: S608 - built from constants of this module

from typing import LiteralString

_MEASURES: tuple[LiteralString, ...] = (
    *("reviews", "rated", "rating_sum", "negative", "neutral", "positive", "not_understood"),
    "mismatches",
)
_SUMS: LiteralString = ", ".join(f"sum({name}) AS {name}" for name in _MEASURES)
_COLUMNS: LiteralString = ", ".join(_MEASURES)

_CELLS: LiteralString = """
WITH processed AS (
    DELETE FROM insight_changes WHERE change_id = ANY(%(changes)s)
    RETURNING review_ids, product_ids
), affected AS (
    SELECT unnest(review_ids) AS review_id FROM processed
    UNION
    SELECT review_id FROM (SELECT DISTINCT unnest(product_ids) AS product_id FROM processed) AS p
    JOIN review_facts USING (product_id)
), compared AS MATERIALIZED (
    SELECT t.review_id, r.review_id IS NOT NULL AS is_stored, f.review_id IS NOT NULL AS is_counted,
           coalesce(r.product_id, '') AS product_id, coalesce(p.category, '') AS category,
           r.source, coalesce(r.reviewed_at, '-infinity') AS at,
           coalesce((r.reviewed_at AT TIME ZONE 'UTC')::date, '-infinity') AS day, r.rating,
           CASE WHEN a.understood THEN a.sentiment END AS sentiment,
           CASE WHEN a.understood THEN a.confidence END AS confidence, a.language,
           a.model_version,
           CASE WHEN said.stars = -said.text THEN said.stars
                WHEN said.picture = -said.text THEN 2 * said.picture
                WHEN said.stars = -said.picture THEN 3 * said.stars
                ELSE 0 END AS mismatch,
           CASE WHEN said.stars = -said.text AND said.picture = said.text THEN 'stars'
                WHEN said.stars = -said.text AND said.picture = said.stars THEN 'text'
                WHEN said.stars = said.text AND said.picture = -said.text THEN 'picture'
                END AS disagrees,
           (i.received_at AT TIME ZONE 'UTC')::date AS arrived,
           f.product_id AS product_id_0, f.category AS category_0, f.source AS source_0,
           f.at AS at_0, f.day AS day_0, f.rating AS rating_0, f.sentiment AS sentiment_0,
           f.confidence AS confidence_0, f.model_version AS model_version_0,
           f.language AS language_0, f.mismatch AS mismatch_0, f.disagrees AS disagrees_0,
           f.arrived AS arrived_0
    FROM affected AS t
    LEFT JOIN reviews AS r ON r.review_id = t.review_id
    LEFT JOIN products AS p ON p.product_id = r.product_id
    LEFT JOIN ingests AS i ON i.ingest_id = r.ingest_id
    LEFT JOIN LATERAL (
        SELECT sentiment, confidence, sure, language, understood, model_version FROM analyses
        WHERE review_id = r.review_id ORDER BY analysed_at DESC, model_version DESC LIMIT 1
    ) AS a ON true
    LEFT JOIN picture_opinions AS o ON o.review_id = r.review_id AND o.ingest_id = r.ingest_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN r.rating >= %(high)s THEN 1 WHEN r.rating <= %(low)s THEN -1 END AS stars,
               CASE WHEN a.understood AND coalesce(a.sure, a.confidence >= %(confident)s)
                    THEN CASE a.sentiment WHEN 'positive' THEN 1 WHEN 'negative' THEN -1 END
                    END AS text,
               CASE o.sentiment WHEN 'positive' THEN 1 WHEN 'negative' THEN -1 END AS picture
    ) AS said
    LEFT JOIN review_facts AS f ON f.review_id = t.review_id
), changed AS MATERIALIZED (
    SELECT * FROM compared WHERE is_stored <> is_counted OR is_stored AND
        (product_id, category, source, at, rating, sentiment, confidence, language, model_version,
         mismatch, disagrees, arrived)
        IS DISTINCT FROM (product_id_0, category_0, source_0, at_0, rating_0, sentiment_0,
                          confidence_0, language_0, model_version_0, mismatch_0, disagrees_0,
                          arrived_0)
), upserted AS (
    INSERT INTO review_facts (review_id, product_id, category, source, at, day, rating, sentiment,
                              confidence, language, model_version, mismatch, disagrees, arrived)
    SELECT review_id, product_id, category, source, at, day, rating, sentiment,
           confidence, language, model_version, mismatch, disagrees, arrived
    FROM changed WHERE is_stored
    ON CONFLICT (review_id) DO UPDATE
    SET product_id = excluded.product_id, category = excluded.category, source = excluded.source,
        at = excluded.at, day = excluded.day, rating = excluded.rating,
        sentiment = excluded.sentiment, confidence = excluded.confidence,
        language = excluded.language,
        model_version = excluded.model_version, mismatch = excluded.mismatch,
        disagrees = excluded.disagrees, arrived = excluded.arrived
), deleted AS (
    DELETE FROM review_facts USING changed
    WHERE review_facts.review_id = changed.review_id AND NOT changed.is_stored
), differences AS (
    SELECT 1 AS n, product_id, category, source, day, rating, sentiment, confidence, model_version,
           mismatch, arrived
    FROM changed WHERE is_stored
    UNION ALL
    SELECT -1, product_id_0, category_0, source_0, day_0, rating_0, sentiment_0, confidence_0,
           model_version_0, mismatch_0, arrived_0
    FROM changed WHERE is_counted
), cells AS MATERIALIZED (
    SELECT product_id, category, source, day, sum(n) AS reviews,
           sum(n) FILTER (WHERE rating IS NOT NULL) AS rated,
           sum(n * rating::numeric) AS rating_sum,
           sum(n) FILTER (WHERE sentiment = 'negative') AS negative,
           sum(n) FILTER (WHERE sentiment = 'neutral') AS neutral,
           sum(n) FILTER (WHERE sentiment = 'positive') AS positive,
           sum(n) FILTER (WHERE sentiment IS NULL AND model_version IS NOT NULL)
               AS not_understood,
           sum(n) FILTER (WHERE mismatch <> 0) AS mismatches
    FROM differences GROUP BY product_id, category, source, day
)"""
"""All parts of the statement see the same rows: the reviews of the processed changes.

``said``: what stars, text and pictures clearly say, 1 or -1; of two that contradict each other, the
sign of ``mismatch`` is that of the first (``disagreement`` in shared/schemas/sentiment.py).
"""


def _upsert(table: LiteralString, keys: LiteralString, rows: LiteralString) -> LiteralString:
    """Add differences to the sums in a table.

    Args:
        table: the table; its columns are the keys and the measures.
        keys: its primary key.
        rows: query that returns keys and measures, with distinct keys.
    """
    additions = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _MEASURES)
    values = ", ".join(f"coalesce({name}, 0)" for name in _MEASURES)
    return (
        f"INSERT INTO {table} ({keys}, {_COLUMNS})"
        f" SELECT {keys}, {values} FROM ({rows}) AS rows"
        f" ON CONFLICT ({keys}) DO UPDATE SET {additions}"
    )


def _grouped(keys: LiteralString, source: LiteralString = "cells") -> LiteralString:
    return f"SELECT {keys}, {_SUMS} FROM {source} GROUP BY {keys}"


_SEGMENT_CELLS: LiteralString = """cells CROSS JOIN LATERAL (VALUES
    ('all', '', ''), ('category', category, ''), ('source', '', source), ('both', category, source)
) AS s (segment, of_category, of_source)"""
_SEGMENT_NAMES: LiteralString = """cells CROSS JOIN LATERAL (VALUES
    ('category', category), ('source', source)) AS s (segment, name)"""

_PRODUCT_TOTALS: LiteralString = f"""
INSERT INTO product_totals AS t (product_id, category, {_COLUMNS})
SELECT product_id, (array_agg(category ORDER BY reviews DESC))[1],
       {", ".join(f"coalesce(sum({name}), 0)" for name in _MEASURES)}
FROM cells WHERE product_id <> '' GROUP BY product_id
ON CONFLICT (product_id) DO UPDATE
SET category = excluded.category, stale = true,
    {", ".join(f"{name} = t.{name} + excluded.{name}" for name in _MEASURES)}
"""

_ARRIVALS: LiteralString = """
INSERT INTO arrivals AS t
    (model_version, day, sentiment, confidence_bin, reviews, confidence_sum)
SELECT model_version, arrived, sentiment,
       width_bucket(confidence::float8, %(edges)s::float8[]),
       sum(n), sum(n * confidence::numeric)
FROM differences WHERE sentiment IS NOT NULL AND arrived IS NOT NULL GROUP BY 1, 2, 3, 4
ON CONFLICT (model_version, day, sentiment, confidence_bin) DO UPDATE
SET reviews = t.reviews + excluded.reviews,
    confidence_sum = t.confidence_sum + excluded.confidence_sum
"""

APPLY_CHANGES: LiteralString = f"""{_CELLS},
days AS ({_upsert("product_days", "product_id, source, day", _grouped("product_id, source, day"))}),
sources AS ({
    _upsert(
        "product_sources",
        "product_id, source",
        _grouped("product_id, source") + " HAVING product_id <> ''",
    )
}),
segments AS ({
    _upsert(
        "segment_days",
        "segment, category, source, day",
        f"SELECT segment, of_category AS category, of_source AS source, day, {_SUMS}"
        f" FROM {_SEGMENT_CELLS} GROUP BY 1, 2, 3, 4",
    )
}),
totals AS ({_upsert("segment_totals", "segment, name", _grouped("segment, name", _SEGMENT_NAMES))}),
products AS ({_PRODUCT_TOTALS}),
arrived_reviews AS ({_ARRIVALS})
SELECT count(*), count(*) FILTER (WHERE NOT is_stored OR is_counted) FROM changed
"""

DELETE_EMPTY: tuple[LiteralString, ...] = (
    "DELETE FROM product_days WHERE reviews = 0",
    "DELETE FROM product_sources WHERE reviews = 0",
    "DELETE FROM product_totals WHERE reviews = 0",
    "DELETE FROM segment_days WHERE reviews = 0",
    "DELETE FROM segment_totals WHERE reviews = 0",
    "DELETE FROM arrivals WHERE reviews = 0",
)
"""Statements to run after APPLY_CHANGES if reviews were deleted or moved."""
