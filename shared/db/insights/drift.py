"""What models say of the reviews that arrive, beside what each said when it was tried."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.db.connection import Connection, Database
from shared.schemas.sentiment import LABELS

BINS = 10
"""Bins of confidence (rollups.BIN_EDGES)."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Reviews of each sentiment (in the order of LABELS), and of each bin of confidence."""

    sentiments: tuple[int, ...]
    confidences: tuple[int, ...]
    mean_confidence: float | None

    @property
    def reviews(self) -> int:
        """How many there are."""
        return sum(self.sentiments)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a model said of rows that it was tried with; ``origin`` says which."""

    origin: str
    said: Distribution


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """The model that was put to work last, and its reference, where one is known."""

    version: str
    reference: Reference | None


def has_reference(connection: Connection, version: str) -> bool:
    """Whether what a model said when it was tried is known."""
    row = connection.execute(
        "SELECT origin IS NOT NULL FROM insight_models WHERE model_version = %s", (version,)
    ).fetchone()
    return bool(row and row[0])


def note_model(connection: Connection, version: str, reference: Reference | None) -> None:
    """Note that a model is at work now; a reference that is known stays where none is given."""
    said = reference.said if reference else None
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
            list(said.sentiments) if said else None,
            list(said.confidences) if said else None,
            said.mean_confidence if said else None,
        ),
    )


class Drift:
    """Reads insight_models and arrivals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> CurrentModel | None:
        """The model at work; None before the first one."""
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
        said = Distribution(tuple(sentiments), tuple(confidences), mean)
        return CurrentModel(version, Reference(origin, said))

    def arrived(self, version: str, days: int) -> tuple[date | None, date | None, Distribution]:
        """What a model says of the reviews of the newest days on which some came.

        Args:
            version: the model.
            days: so many days up to the newest one (UTC) with reviews that it judged.

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
    confidence = 0.0
    for _, sentiment, place, reviews, summed in rows:
        sentiments[sentiment] += reviews
        bins[place] += reviews
        confidence += summed
    whole = sentiments.total()
    said = Distribution(
        tuple(sentiments[label.value] for label in LABELS),
        tuple(bins[place] for place in range(BINS)),
        confidence / whole if whole else None,
    )
    days = [row[0] for row in rows]
    return min(days, default=None), max(days, default=None), said
