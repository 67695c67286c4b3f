"""Calibration: reliability diagram, coverage-accuracy curve, abstain threshold."""

import numpy as np

from sagemaker_jobs.evaluate.metrics import BINS, Floats, Ints, confidence_bins
from sagemaker_jobs.evaluate.report import Bin, CoveragePoint
from shared.runtime.decisions import Decided

_CURVE_POINTS = 101


def reliability(decided: Decided, labels: Ints, bins: int = BINS) -> list[Bin]:
    """Mean confidence and accuracy of each equal-width bin that has rows."""
    confidence = decided.confidences
    correct = decided.labels == labels
    numbers = confidence_bins(confidence, bins)
    return [
        Bin(
            low=number / bins,
            high=(number + 1) / bins,
            rows=int(mask.sum()),
            confidence=float(confidence[mask].mean()),
            accuracy=float(correct[mask].mean()),
        )
        for number in range(bins)
        if (mask := numbers == number).any()
    ]


def accuracy_curve(decided: Decided, labels: Ints) -> tuple[Floats, Ints, Ints]:
    """Descending thresholds, with the number of rows at or above each, and of correct ones."""
    confidence = decided.confidences
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    right = np.cumsum((decided.labels == labels)[order])
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    return ranked[last], last + 1, right[last]


def coverage_curve(decided: Decided, labels: Ints) -> list[CoveragePoint]:
    """Coverage and accuracy at up to 101 thresholds, from the strictest to none."""
    thresholds, answered, right = accuracy_curve(decided, labels)
    indices = np.unique(np.linspace(0, len(thresholds) - 1, _CURVE_POINTS).astype(int))
    return [
        _point(float(thresholds[i]), int(answered[i]), int(right[i]), len(labels)) for i in indices
    ]


def abstain_threshold(decided: Decided, labels: Ints, accuracy: float) -> CoveragePoint | None:
    """The threshold with the greatest coverage that reaches an accuracy.

    Args:
        decided: What the model says of n rows that it was not trained on.
        labels: (n,).
        accuracy: Required of the rows at or above the threshold.

    Returns:
        None if no threshold reaches it.
    """
    thresholds, answered, right = accuracy_curve(decided, labels)
    accurate = np.flatnonzero(right >= accuracy * answered)
    if not len(accurate):
        return None
    best = accurate[-1]
    return _point(float(thresholds[best]), int(answered[best]), int(right[best]), len(labels))


def at_threshold(decided: Decided, labels: Ints, threshold: float) -> CoveragePoint:
    """Coverage and accuracy of a given threshold."""
    answered = decided.confidences >= np.float32(threshold)
    right = (decided.labels == labels) & answered
    return _point(threshold, int(answered.sum()), int(right.sum()), len(labels))


def _point(threshold: float, answered: int, right: int, rows: int) -> CoveragePoint:
    return CoveragePoint(
        threshold=threshold,
        coverage=answered / rows,
        accuracy=right / answered if answered else None,
    )
