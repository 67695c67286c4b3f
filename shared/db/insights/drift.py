"""Predictions of models for arriving reviews, compared with those of their evaluations."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.db.connection import Connection, Database
from shared.schemas.sentiment import LABELS

CONFIDENCE_BINS = 10
"""Number of bins (rollups.CONFIDENCE_BIN_EDGES)."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Number of reviews by sentiment (in the order of LABELS) and by confidence bin."""

    sentiments: tuple[int, ...]
    confidences: tuple[int, ...]
    mean_confidence: float | None

    @property
    def reviews(self) -> int:
        """Total number of reviews."""
        return sum(self.sentiments)


@dataclass(frozen=True, slots=True)
class Reference:
    """Distribution of a model's predictions in its evaluation; ``origin`` describes the rows."""

    origin: str
    distribution: Distribution


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """The active model, and its reference if there is one."""

    version: str
    reference: Reference | None


def has_reference(connection: Connection, version: str) -> bool:
    """Whether the predictions of a model's evaluation are recorded."""
    row = connection.execute(
        "SELECT origin IS NOT NULL FROM insight_models WHERE model_version = %s", (version,)
    ).fetchone()
    return bool(row and row[0])


def record_model(connection: Connection, version: str, reference: Reference | None) -> None:
    """Record a model as the active one; without a reference, a recorded one is kept."""
    distribution = reference.distribution if reference else None
    connection.execute(
        "INSERT INTO insight_models AS m"
        " (model_version, origin, sentiments, confidences, mean_confidence)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (model_version) DO UPDATE"
        " SET noted_at = greatest(m.noted_at, excluded.noted_at),"
        " origin = coalesce(excluded.origin, m.origin),"
        " sentiments = coalesce(excluded.sentiments, m.sentiments),"
        " confidences = coalesce(excluded.confidences, m.confidences),"
        " mean_confidence = coalesce(excluded.mean_confidence, m.mean_confidence)",
        (
            version,
            reference.origin if reference else None,
            list(distribution.sentiments) if distribution else None,
            list(distribution.confidences) if distribution else None,
            distribution.mean_confidence if distribution else None,
        ),
    )


class DriftQueries:
    """Reads insight_models and arrivals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> CurrentModel | None:
        """The active model; None before the first one."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT model_version, origin, sentiments, confidences, mean_confidence"
                " FROM insight_models ORDER BY noted_at DESC, model_version DESC LIMIT 1"
            ).fetchone()
        if row is None:
            return None
        version, origin, sentiments, confidences, mean = row
        if origin is None:
            return CurrentModel(version, None)
        distribution = Distribution(tuple(sentiments), tuple(confidences), mean)
        return CurrentModel(version, Reference(origin, distribution))

    def arrivals(self, version: str, days: int) -> tuple[date | None, date | None, Distribution]:
        """Distribution of a model's predictions for recently arrived reviews.

        Args:
            version: the model.
            days: number of days (UTC) up to the last one with reviews that the model analysed.

        Returns:
            First and last day with such reviews, and the distribution.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT day, sentiment, confidence_bin, reviews, confidence_sum::float8"
                " FROM arrivals WHERE model_version = %(version)s AND day > ("
                "  SELECT max(day) FROM arrivals WHERE model_version = %(version)s) - %(days)s",
                {"version": version, "days": days},
            ).fetchall()
        return _distribution(rows)


def _distribution(
    rows: list[tuple[Any, ...]],
) -> tuple[date | None, date | None, Distribution]:
    sentiments: Counter[str] = Counter()
    bins: Counter[int] = Counter()
    confidence_sum = 0.0
    for _, sentiment, confidence_bin, reviews, summed in rows:
        sentiments[sentiment] += reviews
        bins[confidence_bin] += reviews
        confidence_sum += summed
    total = sentiments.total()
    distribution = Distribution(
        tuple(sentiments[label.value] for label in LABELS),
        tuple(bins[number] for number in range(CONFIDENCE_BINS)),
        confidence_sum / total if total else None,
    )
    days = [row[0] for row in rows]
    return min(days, default=None), max(days, default=None), distribution
