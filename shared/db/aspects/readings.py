"""Readings of models: the aspects of reviews, each with the sentiment of its sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import LiteralString

from shared.db.connection import Connection


@dataclass(slots=True)
class Readings:
    """The m mentions of n reviews, in columns; ``rows`` are positions of the reviews."""

    rows: list[int] = field(default_factory=list)
    aspects: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    sentiments: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)

    @classmethod
    def from_mentions(cls, mentions: Iterable[tuple[int, str, int, int, str, float]]) -> "Readings":
        """Convert rows of (row, aspect, start, end, sentiment, confidence) to columns."""
        readings = cls()
        for row, aspect, start, end, sentiment, confidence in mentions:
            readings.rows.append(row)
            readings.aspects.append(aspect)
            readings.starts.append(start)
            readings.ends.append(end)
            readings.sentiments.append(sentiment)
            readings.confidences.append(confidence)
        return readings


_COLUMNS = ("aspects", "starts", "ends", "sentiments", "confidences")
_UPSERT: LiteralString = """
INSERT INTO aspect_readings
    (review_id, model_version, aspects, starts, ends, sentiments, confidences)
SELECT s.review_id, %s, coalesce(m.aspects, '{}'), coalesce(m.starts, '{}'),
       coalesce(m.ends, '{}'), coalesce(m.sentiments, '{}'), coalesce(m.confidences, '{}')
FROM unnest(%s::text[]) WITH ORDINALITY AS s (review_id, number)
LEFT JOIN (
    SELECT number + 1 AS number,
           array_agg(aspect ORDER BY place) AS aspects, array_agg(starts ORDER BY place) AS starts,
           array_agg(ends ORDER BY place) AS ends,
           array_agg(sentiment ORDER BY place) AS sentiments,
           array_agg(confidence ORDER BY place) AS confidences
    FROM unnest(%s::int[], %s::text[], %s::int[], %s::int[], %s::text[], %s::real[])
        WITH ORDINALITY AS f (number, aspect, starts, ends, sentiment, confidence, place)
    GROUP BY number
) AS m USING (number)
ORDER BY s.review_id
ON CONFLICT (review_id, model_version) DO UPDATE
SET aspects = excluded.aspects, starts = excluded.starts, ends = excluded.ends,
    sentiments = excluded.sentiments, confidences = excluded.confidences
"""

_COPY: LiteralString = """
INSERT INTO aspect_readings
    (review_id, model_version, aspects, starts, ends, sentiments, confidences)
SELECT review_id, %s, aspects, starts, ends, sentiments, confidences FROM aspect_readings
WHERE model_version = %s AND review_id = ANY(%s) ORDER BY review_id
ON CONFLICT (review_id, model_version) DO UPDATE
SET aspects = excluded.aspects, starts = excluded.starts, ends = excluded.ends,
    sentiments = excluded.sentiments, confidences = excluded.confidences
"""


def upsert_readings(
    connection: Connection, model_version: str, review_ids: Sequence[str], readings: Readings
) -> None:
    """Write a model's readings of reviews, including reviews without mentions.

    Args:
        connection: the transaction; the caller commits.
        model_version: the model that scored the sentences.
        review_ids: n distinct reviews.
        readings: their mentions.
    """
    columns = [getattr(readings, name) for name in _COLUMNS]
    connection.execute(_UPSERT, (model_version, list(review_ids), readings.rows, *columns))


def copy_readings(
    connection: Connection, source: str, model_version: str, review_ids: Sequence[str]
) -> None:
    """Copy the readings of one model version to another."""
    connection.execute(_COPY, (model_version, source, list(review_ids)))
