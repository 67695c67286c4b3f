"""Whether what arrives is still what the model was tried with."""

from lambdas.insights.figures import freshness_of
from shared.db.insights.drift import Distribution, Drift, Reference
from shared.db.insights.trends import Trends
from shared.schemas.insights import (
    DriftMeasure,
    DriftRecent,
    DriftReference,
    DriftReport,
    Level,
    SentimentSplit,
)
from shared.schemas.sentiment import LABELS
from shared.statistics.stability import (
    MIN_INDEX_SHIFTED,
    MIN_INDEX_STRONGLY_SHIFTED,
    stability_index,
)

LEAST = 200
"""Fewer reviews move an index of ten bins past the first limit by chance alone."""
_LEVELS: tuple[Level, ...] = ("stable", "shifted", "strongly shifted")


class DriftReader:
    """Answers /drift."""

    def __init__(self, drift: Drift, trends: Trends) -> None:
        self._drift = drift
        self._trends = trends

    def report(self, days: int) -> DriftReport:
        """Compare what came on the newest days with the reference of the model at work."""
        fresh = freshness_of(self._trends)
        model = self._drift.current()
        if model is None:
            return DriftReport(
                model_version=None, reference=None, recent=None, measures=[], level=None,
                freshness=fresh,
            )  # fmt: skip
        first, last, said = self._drift.arrived(model.version, days)
        measures = _measures(model.reference, said)
        worst = max((measure.level for measure in measures), key=_LEVELS.index, default=None)
        return DriftReport(
            model_version=model.version,
            reference=_told(model.reference),
            recent=DriftRecent(
                first_day=first,
                last_day=last,
                reviews=said.reviews,
                sentiment_shares=_split(said) if said.reviews else None,
                mean_confidence=said.mean_confidence,
            ),
            measures=measures,
            level=worst,
            freshness=fresh,
        )


def _told(reference: Reference | None) -> DriftReference | None:
    if reference is None or reference.said.mean_confidence is None:
        return None
    return DriftReference(
        reviews=reference.said.reviews,
        sentiment_shares=_split(reference.said),
        mean_confidence=reference.said.mean_confidence,
        origin=reference.origin,
    )


def _measures(reference: Reference | None, said: Distribution) -> list[DriftMeasure]:
    if reference is None or said.reviews < LEAST:
        return []
    sentiment = stability_index(reference.said.sentiments, said.sentiments)
    confidence = stability_index(reference.said.confidences, said.confidences)
    return [
        DriftMeasure(name="sentiment", psi=sentiment, level=_level(sentiment)),
        DriftMeasure(name="confidence", psi=confidence, level=_level(confidence)),
    ]


def _level(index: float) -> Level:
    return _LEVELS[(index >= MIN_INDEX_SHIFTED) + (index >= MIN_INDEX_STRONGLY_SHIFTED)]


def _split(said: Distribution) -> SentimentSplit:
    shares = zip(LABELS, said.sentiments, strict=True)
    return SentimentSplit(**{label.value: count / said.reviews for label, count in shares})
