"""Figures of a classifier, from probabilities alone."""

import numpy as np
import numpy.typing as npt

from sagemaker_jobs.adapt.correction import Floats, Labels

_BINS = 15
_LEAST = 1e-12
NAMES = ("accuracy", "macro_f1", "weighted_f1", "log_loss", "calibration_error")


def log_losses(probabilities: Floats, labels: Labels) -> Floats:
    """What each row (n, classes) costs: -log of its label's probability."""
    chosen = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    result: Floats = -np.log(np.maximum(chosen, _LEAST))
    return result


def figures(probabilities: Floats, labels: Labels) -> dict[str, float]:
    """NAMES of n rows; a class that neither occurs nor is predicted counts in no F1."""
    predicted = probabilities.argmax(-1)
    scores, shares = [], []
    for label in range(probabilities.shape[1]):
        here, said = labels == label, predicted == label
        if here.any() or said.any():
            scores.append(2 * (here & said).sum() / (here.sum() + said.sum()))
            shares.append(here.mean())
    return {
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(np.mean(scores)),
        "weighted_f1": float(np.dot(scores, shares)),
        "log_loss": float(log_losses(probabilities, labels).mean()),
        "calibration_error": calibration_error(probabilities, labels),
    }


def calibration_error(probabilities: Floats, labels: Labels) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over 15 equal bins."""
    confidence = probabilities.max(-1)
    correct = probabilities.argmax(-1) == labels
    bins: npt.NDArray[np.int64] = np.minimum(confidence * _BINS, _BINS - 1).astype(np.int64)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(labels))
