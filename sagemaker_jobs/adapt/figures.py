"""Figures of a classifier, from probabilities alone."""

import numpy as np

from sagemaker_jobs.adapt.correction import Floats, Labels
from sagemaker_jobs.evaluate.metrics import confidence_error
from shared.runtime.decisions import decide
from shared.schemas.decisions import Rule

_MIN_PROBABILITY = 1e-12
NAMES = ("accuracy", "macro_f1", "weighted_f1", "log_loss", "calibration_error")


def log_losses(probabilities: Floats, labels: Labels) -> Floats:
    """Log loss of each row (n, classes): -log of its label's probability."""
    chosen = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    result: Floats = -np.log(np.maximum(chosen, _MIN_PROBABILITY))
    return result


def figures(probabilities: Floats, labels: Labels, rule: Rule) -> dict[str, float]:
    """The figures NAMES of n rows; F1 skips classes that neither occur nor are predicted.

    Args:
        probabilities: (n, classes), before the rule is applied.
        labels: (n,).
        rule: The model's rule for reviews.
    """
    decided = decide(rule, probabilities)
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
