"""Intervals of figures: percentile bootstrap over rows (Efron and Tibshirani 1993)."""

import numpy as np
import numpy.typing as npt

from sagemaker_jobs.evaluate.metrics import CLASSES, Floats, Ints, roc_auc, scores

LEVEL = 0.95
_MAX_COUNTS = 4_000_000
"""Counts drawn at once, which limits memory for any number of rows."""

Interval = tuple[float, float]


def percentiles(values: npt.ArrayLike) -> Interval:
    """The interval that has LEVEL of the values."""
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(np.asarray(values), [tail, 100 - tail])
    return float(low), float(high)


def bootstrap(
    confusion: Ints, probabilities: Floats, labels: Ints, resamples: int, seed: int
) -> dict[str, Interval]:
    """95% intervals of accuracy, macro-F1, weighted F1 and, where defined, ROC-AUC.

    Resampling rows is drawing the cells of the confusion matrix from a multinomial distribution, so
    three of the four need no rows. Reviews of one product resemble each other: for an unseen
    product the true intervals are wider.

    Args:
        confusion: (3, 3) counts.
        probabilities: (n, 3).
        labels: (n,).
        resamples: Number of samples; 0 returns no intervals.
        seed: Makes the intervals reproducible.
    """
    if not resamples:
        return {}
    generator = np.random.default_rng(seed)
    rows = int(confusion.sum())
    samples = generator.multinomial(rows, confusion.ravel() / rows, resamples)
    sampled = scores(samples.reshape(resamples, CLASSES, CLASSES))
    intervals = {name: percentiles(values) for name, values in sampled.items()}
    if confusion.any(1).all():
        size = max(1, _MAX_COUNTS // rows)
        parts = []
        for start in range(0, resamples, size):
            chosen = generator.integers(rows, size=(min(size, resamples - start), rows))
            chosen += np.arange(len(chosen))[:, None] * rows
            counts = np.bincount(chosen.ravel(), minlength=chosen.size).reshape(chosen.shape)
            parts.append(roc_auc(probabilities, labels, counts.astype(np.float64)))
        intervals["roc_auc"] = percentiles(np.concatenate(parts))
    return intervals
