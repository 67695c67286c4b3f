"""Figures of a classifier, from probabilities alone."""

import numpy as np

from sagemaker_jobs.evaluate.metrics import AnyFloats, Doubles, Ints, confidence_error
from shared.runtime.decisions import Decided, decide
from shared.schemas.decisions import Rule

_MIN_PROBABILITY = 1e-12
NAMES = ("accuracy", "macro_f1", "weighted_f1", "log_loss", "calibration_error")


def log_losses(probabilities: AnyFloats, labels: Ints) -> Doubles:
    """Log loss of each row (n, classes): -log of its label's probability."""
    chosen = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    result: Doubles = -np.log(np.maximum(chosen, _MIN_PROBABILITY))
    return result


def figures(probabilities: AnyFloats, labels: Ints, rule: Rule) -> dict[str, float]:
    """The figures NAMES of n rows; F1 skips classes that neither occur nor are predicted.

    Args:
        probabilities: (n, classes), before the rule is applied.
        labels: (n,).
        rule: The model's rule for reviews.
    """
    return figures_of(decide(rule, probabilities), labels)


def figures_of(decided: Decided, labels: Ints) -> dict[str, float]:
    """The figures NAMES of n rows that are decided."""
    predicted, probabilities = decided.labels, decided.probabilities.astype(np.float64)
    scores, shares = [], []
    for label in range(probabilities.shape[1]):
        actual, positive = labels == label, predicted == label
        if actual.any() or positive.any():
            scores.append(2 * (actual & positive).sum() / (actual.sum() + positive.sum()))
            shares.append(actual.mean())
    return {
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(np.mean(scores)),
        "weighted_f1": float(np.dot(scores, shares)),
        "log_loss": float(log_losses(probabilities, labels).mean()),
        "calibration_error": confidence_error(decided.confidences, predicted == labels),
    }
