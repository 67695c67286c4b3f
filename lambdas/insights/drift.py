"""Drift: recent reviews compared with the data the model was evaluated on."""

from lambdas.insights.figures import read_freshness
from shared.db.insights.drift import Distribution, DriftQueries, Reference
from shared.db.insights.trends import TrendQueries
from shared.schemas.drift import DriftMeasure, DriftRecent, DriftReference, DriftReport, Level
from shared.schemas.insights import SentimentSplit
from shared.schemas.sentiment import LABELS
from shared.statistics.stability import (
    MIN_INDEX_SHIFTED,
    MIN_INDEX_STRONGLY_SHIFTED,
    stability_index,
)

MIN_REVIEWS = 200
"""Fewer reviews can move an index of ten bins past the first limit by chance."""
_LEVELS: tuple[Level, ...] = ("stable", "shifted", "strongly shifted")


class DriftReader:
    """Answers /drift."""

    def __init__(self, drift: DriftQueries, trends: TrendQueries) -> None:
        self._drift = drift
        self._trends = trends

    def report(self, days: int) -> DriftReport:
        """Compare the reviews of the newest days with the reference of the active model."""
        freshness = read_freshness(self._trends)
        model = self._drift.current()
        if model is None:
            return DriftReport(
                model_version=None, reference=None, recent=None, measures=[], level=None,
                freshness=freshness,
            )  # fmt: skip
        first, last, recent = self._drift.arrivals(model.version, days)
        measures = _measures(model.reference, recent)
        worst = max((measure.level for measure in measures), key=_LEVELS.index, default=None)
        return DriftReport(
            model_version=model.version,
            reference=_build_reference(model.reference),
            recent=DriftRecent(
                first_day=first,
                last_day=last,
                reviews=recent.reviews,
                sentiment_shares=_shares(recent) if recent.reviews else None,
                mean_confidence=recent.mean_confidence,
            ),
            measures=measures,
            level=worst,
            freshness=freshness,
        )


def _build_reference(reference: Reference | None) -> DriftReference | None:
    if reference is None or reference.distribution.mean_confidence is None:
        return None
    return DriftReference(
        reviews=reference.distribution.reviews,
        sentiment_shares=_shares(reference.distribution),
        mean_confidence=reference.distribution.mean_confidence,
        origin=reference.origin,
    )


def _measures(reference: Reference | None, recent: Distribution) -> list[DriftMeasure]:
    if reference is None or recent.reviews < MIN_REVIEWS:
        return []
    sentiment = stability_index(reference.distribution.sentiments, recent.sentiments)
    confidence = stability_index(reference.distribution.confidences, recent.confidences)
    return [
        DriftMeasure(name="sentiment", psi=sentiment, level=_level(sentiment)),
        DriftMeasure(name="confidence", psi=confidence, level=_level(confidence)),
    ]


def _level(index: float) -> Level:
    return _LEVELS[(index >= MIN_INDEX_SHIFTED) + (index >= MIN_INDEX_STRONGLY_SHIFTED)]


def _shares(distribution: Distribution) -> SentimentSplit:
    counts = zip(LABELS, distribution.sentiments, strict=True)
    reviews = distribution.reviews
    return SentimentSplit(**{label.value: count / reviews for label, count in counts})
