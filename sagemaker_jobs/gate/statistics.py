"""Paired bootstrap over rows: how much better one model is than another, and how sure that is."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

LABELS = 3
BINS = 15
MIN_CLASS_ROWS = 10
"""A class with fewer rows has no part in a macro-F1: its F1 would be noise."""
_ECE_REPLICATES = 400

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure of both models; ``gain`` is how much better the candidate is."""

    current: float
    candidate: float
    gain: float
    noise: float

    def p(self, tolerance: float) -> float:
        """Probability of such a gain or a smaller one if the true one were ``-tolerance``."""
        beyond = self.gain + tolerance
        if self.noise <= 0.0:
            return 1.0 if beyond >= 0 else 0.0
        return NormalDist().cdf(beyond / self.noise)


def accuracy_and_f1(
    labels: Ints, current: Ints, candidate: Ints, replicates: int, random: np.random.Generator
) -> dict[str, Difference]:
    """Accuracy and macro-F1 of two models on the same rows.

    Rows of the same label and predictions are alike, so drawing rows with replacement is drawing
    the counts of those 27 kinds from a multinomial distribution.

    Args:
        labels: (n,), 0 negative, 1 neutral, 2 positive.
        current: (n,) predictions.
        candidate: (n,) predictions.
        replicates: bootstrap samples.
        random: source of the samples.
    """
    kinds = (labels * LABELS + current) * LABELS + candidate
    counts = np.bincount(kinds, minlength=LABELS**3).astype(np.float64)
    rows = counts.sum()
    drawn = random.multinomial(int(rows), counts / rows, size=replicates)
    both = np.concatenate([counts[None], drawn]).reshape(-1, LABELS, LABELS, LABELS)
    classes = np.bincount(labels, minlength=LABELS) >= MIN_CLASS_ROWS
    tables = both.sum(3), both.sum(2)  # confusion of the current model, of the candidate
    found = {"accuracy": _difference(*(_accuracy(table) for table in tables))}
    if classes.any():
        found["macro_f1"] = _difference(*(_macro_f1(table, classes) for table in tables))
    return found


def _accuracy(confusion: npt.NDArray[Any]) -> Floats:
    hits = np.trace(confusion, axis1=1, axis2=2)
    return np.asarray(hits / confusion.sum((1, 2)), np.float64)


def _macro_f1(confusion: npt.NDArray[Any], classes: npt.NDArray[np.bool_]) -> Floats:
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    wanted = confusion.sum(2) + confusion.sum(1)
    f1 = 2 * hits / np.maximum(wanted, 1)
    return np.asarray(f1[:, classes].mean(1), np.float64)


def calibration(
    labels: Ints, current: Floats, candidate: Floats, random: np.random.Generator
) -> Difference:
    """Expected calibration error over 15 equal-width bins; less is better.

    Args:
        labels: (n,).
        current: (n, 3) probabilities.
        candidate: (n, 3) probabilities.
        random: source of the samples.
    """
    rows = len(labels)
    sides = [_gaps(labels, probabilities) for probabilities in (current, candidate)]
    errors = np.empty((_ECE_REPLICATES + 1, 2))
    for sample in range(_ECE_REPLICATES + 1):
        drawn = random.integers(rows, size=rows) if sample else np.arange(rows)
        for side, (bins, gaps) in enumerate(sides):
            sums = np.bincount(bins[drawn], weights=gaps[drawn], minlength=BINS)
            errors[sample, side] = np.abs(sums).sum() / rows
    return _difference(errors[:, 0], errors[:, 1], less_is_better=True)


def _gaps(labels: Ints, probabilities: Floats) -> tuple[Ints, Floats]:
    """Bin of each row's confidence, and confidence minus being right."""
    confidence = probabilities.max(1)
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    return bins, confidence - (probabilities.argmax(1) == labels)


def _difference(current: Floats, candidate: Floats, *, less_is_better: bool = False) -> Difference:
    """From values of which the first is the true one and the rest are bootstrap samples."""
    gains = current - candidate if less_is_better else candidate - current
    noise = float(gains[1:].std(ddof=1))
    return Difference(float(current[0]), float(candidate[0]), float(gains[0]), noise)


def refused(values: list[float], level: float) -> list[bool]:
    """Holm's procedure: which of many hypotheses fall, with the level holding for all together.

    Args:
        values: the p value of each.
        level: probability of refusing any that is true.
    """
    fallen = [False] * len(values)
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        if values[place] > level / (len(values) - rank):
            break
        fallen[place] = True
    return fallen
