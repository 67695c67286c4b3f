"""What confidence is worth: reliability diagram, coverage-accuracy curve, abstain threshold."""

import numpy as np

from sagemaker_jobs.evaluate.metrics import BINS, Floats, Ints, confidence_bins
from sagemaker_jobs.evaluate.report import Bin, CoveragePoint

_CURVE_POINTS = 101


def reliability(probabilities: Floats, labels: Ints, bins: int = BINS) -> list[Bin]:
    """Mean confidence and accuracy of each equal-width bin that has rows."""
    confidence = probabilities.max(-1)
    correct = probabilities.argmax(-1) == labels
    place = confidence_bins(confidence, bins)
    return [
        Bin(
            low=number / bins,
            high=(number + 1) / bins,
            rows=int(here.sum()),
            confidence=float(confidence[here].mean()),
            accuracy=float(correct[here].mean()),
        )
        for number in range(bins)
        if (here := place == number).any()
    ]


def _curve(probabilities: Floats, labels: Ints) -> tuple[Floats, Ints, Ints]:
    """Thresholds downwards; how many rows are as confident, and how many of those are right."""
    confidence = probabilities.max(-1)
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    right = np.cumsum((probabilities.argmax(-1) == labels)[order])
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    return ranked[last], last + 1, right[last]


def coverage_curve(probabilities: Floats, labels: Ints) -> list[CoveragePoint]:
    """Accuracy of the rows that are answered, at thresholds from the strictest to none (<= 101)."""
    thresholds, answered, right = _curve(probabilities, labels)
    places = np.unique(np.linspace(0, len(thresholds) - 1, _CURVE_POINTS).astype(int))
    return [
        _point(float(thresholds[i]), int(answered[i]), int(right[i]), len(labels)) for i in places
    ]


def abstain_threshold(probabilities: Floats, labels: Ints, accuracy: float) -> CoveragePoint | None:
    """The threshold with the greatest coverage whose answers are as accurate as asked.

    Args:
        probabilities: (n, 3), calibrated, of rows that the model was not trained on.
        labels: (n,).
        accuracy: What the answered rows shall have.

    Returns:
        None where no threshold gives that.
    """
    thresholds, answered, right = _curve(probabilities, labels)
    good = np.flatnonzero(right >= accuracy * answered)
    if not len(good):
        return None
    best = good[-1]
    return _point(float(thresholds[best]), int(answered[best]), int(right[best]), len(labels))


def at_threshold(probabilities: Floats, labels: Ints, threshold: float) -> CoveragePoint:
    """Coverage and accuracy of a threshold that was chosen elsewhere."""
    answered = probabilities.max(-1) >= np.float32(threshold)
    right = (probabilities.argmax(-1) == labels) & answered
    return _point(threshold, int(answered.sum()), int(right.sum()), len(labels))


def _point(threshold: float, answered: int, right: int, rows: int) -> CoveragePoint:
    return CoveragePoint(
        threshold=threshold,
        coverage=answered / rows,
        accuracy=right / answered if answered else None,
    )
