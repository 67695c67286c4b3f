"""How sure a figure is: percentile bootstrap over rows (Efron and Tibshirani 1993)."""

import numpy as np

from sagemaker_jobs.evaluate.metrics import CLASSES, Doubles, Floats, Ints, roc_auc, scores

LEVEL = 0.95
_CELLS = 4_000_000
"""Counts that are drawn at once: memory stays small whatever the number of rows."""

Interval = tuple[float, float]


def _percentiles(values: Doubles) -> Interval:
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)


def bootstrap(
    confusion: Ints, probabilities: Floats, labels: Ints, resamples: int, seed: int
) -> dict[str, Interval]:
    """95% intervals of accuracy, macro-F1, weighted F1 and, where defined, ROC-AUC.

    Drawing rows with replacement is drawing the cells of the confusion matrix from a multinomial
    distribution, so three of the four need no rows. Reviews of one product resemble each other:
    for a product never seen the true intervals are wider.

    Args:
        confusion: (3, 3) counts.
        probabilities: (n, 3).
        labels: (n,).
        resamples: Samples drawn; 0 gives no intervals.
        seed: The same seed gives the same intervals.
    """
    if not resamples:
        return {}
    generator = np.random.default_rng(seed)
    rows = int(confusion.sum())
    drawn = generator.multinomial(rows, confusion.ravel() / rows, resamples)
    sampled = scores(drawn.reshape(resamples, CLASSES, CLASSES))
    found = {name: _percentiles(values) for name, values in sampled.items()}
    if confusion.any(1).all():
        size = max(1, _CELLS // rows)
        parts = []
        for start in range(0, resamples, size):
            picked = generator.integers(rows, size=(min(size, resamples - start), rows))
            picked += np.arange(len(picked))[:, None] * rows
            counts = np.bincount(picked.ravel(), minlength=picked.size).reshape(picked.shape)
            parts.append(roc_auc(probabilities, labels, counts.astype(np.float64)))
        found["roc_auc"] = _percentiles(np.concatenate(parts))
    return found
