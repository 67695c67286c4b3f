"""Figures of a classifier and of an embedding."""

import numpy as np
import numpy.typing as npt
from sklearn import metrics

Floats = npt.NDArray[np.float32]


def softmax(logits: Floats) -> Floats:
    """Probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    result: Floats = shifted / shifted.sum(-1, keepdims=True)
    return result


def calibration_error(
    probabilities: Floats, labels: npt.NDArray[np.int64], bins: int = 15
) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over equal-width bins."""
    confidence = probabilities.max(-1)
    correct = probabilities.argmax(-1) == labels
    edges = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[edges == b].mean() - correct[edges == b].mean()) * (edges == b).mean()
        for b in range(bins)
        if (edges == b).any()
    ]
    return float(sum(gaps))


def classification(logits: Floats, labels: npt.NDArray[np.int64]) -> dict[str, object]:
    """Accuracy, F1 (macro, weighted), one-vs-rest ROC-AUC (macro), ECE and confusion matrix.

    ``polar_accuracy`` is that of the better of negative and positive, over rows that are either.

    Args:
        logits: (n, 3).
        labels: (n,), 0 negative, 1 neutral, 2 positive.
    """
    probabilities = softmax(logits)
    predicted = probabilities.argmax(-1)
    result: dict[str, object] = {
        "rows": len(labels),
        "accuracy": float((predicted == labels).mean()),
        "polar_accuracy": _polar_accuracy(logits, labels),
        "macro_f1": float(metrics.f1_score(labels, predicted, average="macro")),
        "weighted_f1": float(metrics.f1_score(labels, predicted, average="weighted")),
        "ece": calibration_error(probabilities, labels),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=[0, 1, 2]).tolist(),
    }
    if len(set(labels.tolist())) == probabilities.shape[1]:
        result["roc_auc"] = float(
            metrics.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
        )
    return result


def _polar_accuracy(logits: Floats, labels: npt.NDArray[np.int64]) -> float | None:
    polar = labels != 1
    if not polar.any():
        return None
    predicted = np.where(logits[polar, 2] > logits[polar, 0], 2, 0)
    return float((predicted == labels[polar]).mean())


def recall_at(k: int, found: Floats, reference: Floats) -> float:
    """Mean share of each row's k nearest reference neighbours that its found neighbours hold.

    Args:
        k: Neighbours per row, itself left out.
        found: (n, d) unit vectors under test.
        reference: (n, d) unit vectors that define the truth.
    """

    def neighbours(vectors: Floats) -> npt.NDArray[np.int64]:
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -np.inf)
        top: npt.NDArray[np.int64] = np.argpartition(-scores, k, axis=1)[:, :k]
        return top

    pairs = zip(neighbours(found), neighbours(reference), strict=True)
    return float(np.mean([len(set(a) & set(b)) / k for a, b in pairs]))
