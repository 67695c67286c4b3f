"""Metrics of a classifier and of embeddings, in NumPy alone."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shared.runtime.decisions import Decided, decide
from shared.runtime.probabilities import softmax
from shared.schemas.decisions import Rule

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
AnyFloats = npt.NDArray[np.floating[Any]]

CLASSES = 3
BINS = 15


def confidence_bins(confidence: AnyFloats, bins: int = BINS) -> Ints:
    """The equal-width bin of each confidence."""
    numbers: Ints = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return numbers


def calibration_error(probabilities: AnyFloats, labels: Ints, bins: int = BINS) -> float:
    """Expected calibration error of the most probable labels."""
    return confidence_error(probabilities.max(-1), probabilities.argmax(-1) == labels, bins)


def confidence_error(confidences: AnyFloats, correct: npt.NDArray[Any], bins: int = BINS) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over equal-width bins."""
    gaps = confidences.astype(np.float64) - correct
    sums = np.bincount(confidence_bins(confidences, bins), weights=gaps, minlength=bins)
    return float(np.abs(sums).sum() / len(correct))


def confusion_matrix(labels: Ints, predicted: Ints) -> Ints:
    """Counts (3, 3): labels in rows, predictions in columns."""
    counts = np.bincount(labels * CLASSES + predicted, minlength=CLASSES**2)
    matrix: Ints = counts.reshape(CLASSES, CLASSES)
    return matrix


def scores(confusion: Ints) -> dict[str, Doubles]:
    """Accuracy, macro-F1 and weighted F1 of confusion matrices (…, 3, 3), each of shape (…).

    As in scikit-learn, the macro average is over classes that are labelled or predicted.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    support = confusion.sum(-1)
    totals = support + confusion.sum(-2)
    f1 = 2 * hits / np.maximum(totals, 1)
    rows = support.sum(-1)
    return {
        "accuracy": hits.sum(-1) / rows,
        "macro_f1": f1.sum(-1) / (totals > 0).sum(-1),
        "weighted_f1": (f1 * support).sum(-1) / rows,
    }


def roc_auc(probabilities: Floats, labels: Ints, weights: Doubles | None = None) -> Doubles:
    """One-vs-rest ROC-AUC, mean over the classes; nan if a class has no rows.

    Args:
        probabilities: (n, 3).
        labels: (n,).
        weights: (b, n) counts of each row in b samples; None: one sample with every row once.

    Returns:
        (b,).
    """
    counts = np.ones((1, len(labels))) if weights is None else weights
    total = np.zeros(len(counts))
    for label in range(CLASSES):
        order = np.argsort(probabilities[:, label], kind="stable")
        ranked = probabilities[order, label]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        is_label = labels[order] == label
        sample = counts[:, order]
        positive = np.add.reduceat(np.where(is_label, sample, 0), starts, axis=1)
        negative = np.add.reduceat(np.where(is_label, 0, sample), starts, axis=1)
        below = np.cumsum(negative, axis=1) - negative / 2  # a tie counts half
        pairs = positive.sum(1) * negative.sum(1)
        total += np.where(pairs > 0, (positive * below).sum(1) / np.maximum(pairs, 1), np.nan)
    return total / CLASSES


def classification(logits: Floats, labels: Ints) -> dict[str, object]:
    """The figures of the most probable labels; logits (n, 3)."""
    return figures(decide(Rule(), softmax(logits)), labels)


def figures(decided: Decided, labels: Ints) -> dict[str, object]:
    """Accuracy, F1 (macro, weighted), one-vs-rest ROC-AUC (macro), ECE and confusion matrix.

    ``polar_accuracy`` is the accuracy of choosing between negative and positive, on rows that are
    either. ``roc_auc`` is left out if a class has no rows.

    Args:
        decided: What a model says of n rows.
        labels: (n,), 0 negative, 1 neutral, 2 positive.
    """
    probabilities = decided.probabilities
    confusion = confusion_matrix(labels, decided.labels)
    result: dict[str, object] = {
        "rows": len(labels),
        "polar_accuracy": _polar_accuracy(probabilities, labels),
        "ece": confidence_error(decided.confidences, decided.labels == labels),
        "confusion": confusion.tolist(),
    }
    result |= {name: float(value) for name, value in scores(confusion).items()}
    if confusion.any(1).all():
        result["roc_auc"] = float(roc_auc(probabilities, labels)[0])
    return result


def _polar_accuracy(probabilities: Floats, labels: Ints) -> float | None:
    polar = labels != 1
    if not polar.any():
        return None
    predicted = np.where(probabilities[polar, 2] > probabilities[polar, 0], 2, 0)
    return float((predicted == labels[polar]).mean())


def recall_at(k: int, tested: Floats, reference: Floats) -> float:
    """Mean share of each row's k nearest reference neighbours among its tested neighbours.

    Args:
        k: Neighbours per row, without itself.
        tested: (n, d) unit vectors under test.
        reference: (n, d) unit vectors that define the truth.
    """

    def neighbours(vectors: Floats) -> npt.NDArray[np.int64]:
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -np.inf)
        top: npt.NDArray[np.int64] = np.argpartition(-scores, k, axis=1)[:, :k]
        return top

    pairs = zip(neighbours(tested), neighbours(reference), strict=True)
    return float(np.mean([len(set(a) & set(b)) / k for a, b in pairs]))
