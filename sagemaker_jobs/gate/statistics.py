"""Paired bootstrap over rows: the difference between two models and its standard error."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from sagemaker_jobs.evaluate.metrics import BINS, confidence_bins

LABELS = 3
MIN_CLASS_ROWS = 10
"""A class with fewer rows is left out of macro-F1: its F1 would be noise."""
_ECE_REPLICATES = 400

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Confidences:
    """The probabilities of a model's labels for n rows, and whether the labels are correct."""

    values: Floats
    correct: npt.NDArray[np.bool_]

    @property
    def gaps(self) -> Floats:
        """Each confidence minus 1 if the label is correct, else 0."""
        return self.values - self.correct


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure of both models; ``gain`` is the candidate's improvement, ``noise`` its error."""

    current: float
    candidate: float
    gain: float
    noise: float

    def p(self, tolerance: float) -> float:
        """Probability of this gain or a smaller one if the true gain were ``-tolerance``."""
        beyond = self.gain + tolerance
        if self.noise <= 0.0:
            return 1.0 if beyond >= 0 else 0.0
        return NormalDist().cdf(beyond / self.noise)


def accuracy_and_f1(
    labels: Ints, current: Ints, candidate: Ints, replicates: int, random: np.random.Generator
) -> dict[str, Difference]:
    """Accuracy and macro-F1 of two models on the same rows.

    Rows with the same label and predictions are interchangeable, so resampling rows is drawing the
    counts of the 27 combinations from a multinomial distribution.

    Args:
        labels: (n,), 0 negative, 1 neutral, 2 positive.
        current: (n,) predictions.
        candidate: (n,) predictions.
        replicates: bootstrap samples.
        random: source of the samples.
    """
    combinations = (labels * LABELS + current) * LABELS + candidate
    counts = np.bincount(combinations, minlength=LABELS**3).astype(np.float64)
    rows = counts.sum()
    samples = random.multinomial(int(rows), counts / rows, size=replicates)
    tables = np.concatenate([counts[None], samples]).reshape(-1, LABELS, LABELS, LABELS)
    classes = np.bincount(labels, minlength=LABELS) >= MIN_CLASS_ROWS
    confusions = tables.sum(3), tables.sum(2)  # confusion of the current model, of the candidate
    differences = {"accuracy": _difference(*(_accuracy(table) for table in confusions))}
    if classes.any():
        f1 = (_macro_f1(table, classes) for table in confusions)
        differences["macro_f1"] = _difference(*f1)
    return differences


def _accuracy(confusion: npt.NDArray[Any]) -> Floats:
    hits = np.trace(confusion, axis1=1, axis2=2)
    return np.asarray(hits / confusion.sum((1, 2)), np.float64)


def _macro_f1(confusion: npt.NDArray[Any], classes: npt.NDArray[np.bool_]) -> Floats:
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    totals = confusion.sum(2) + confusion.sum(1)
    f1 = 2 * hits / np.maximum(totals, 1)
    return np.asarray(f1[:, classes].mean(1), np.float64)


def calibration(
    current: Confidences, candidate: Confidences, random: np.random.Generator
) -> Difference:
    """Expected calibration error over 15 equal-width bins; lower is better.

    Args:
        current: of n rows.
        candidate: of the same rows.
        random: source of the samples.
    """
    rows = len(current.correct)
    sides = [(confidence_bins(each.values), each.gaps) for each in (current, candidate)]
    errors = np.empty((_ECE_REPLICATES + 1, 2))
    for sample in range(_ECE_REPLICATES + 1):
        chosen = random.integers(rows, size=rows) if sample else np.arange(rows)
        for side, (bins, gaps) in enumerate(sides):
            sums = np.bincount(bins[chosen], weights=gaps[chosen], minlength=BINS)
            errors[sample, side] = np.abs(sums).sum() / rows
    return _difference(errors[:, 0], errors[:, 1], lower_is_better=True)


def _difference(current: Floats, candidate: Floats, *, lower_is_better: bool = False) -> Difference:
    """Compare values: the first of each is the measured one, the rest are bootstrap samples."""
    gains = current - candidate if lower_is_better else candidate - current
    noise = float(gains[1:].std(ddof=1))
    return Difference(float(current[0]), float(candidate[0]), float(gains[0]), noise)


def holm_rejections(p_values: list[float], level: float) -> list[bool]:
    """Which hypotheses Holm's procedure rejects, at a level for all of them together.

    Args:
        p_values: one per hypothesis.
        level: probability of rejecting any true hypothesis.
    """
    rejected = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > level / (len(p_values) - rank):
            break
        rejected[index] = True
    return rejected
