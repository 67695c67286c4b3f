"""Figures of a head on rows that it was not learned from: text, picture, both, and their gaps."""

import numpy as np

from sagemaker_jobs.evaluate.intervals import bootstrap
from sagemaker_jobs.evaluate.metrics import (
    CLASSES,
    Floats,
    Ints,
    calibration_error,
    confusion_matrix,
    scores,
)
from sagemaker_jobs.fusion.config import FusionConfig
from sagemaker_jobs.fusion.learn import learn
from sagemaker_jobs.fusion.posts import folds_of
from shared.runtime.probabilities import softmax

MODALITIES = ("text", "picture", "both")
Figures = dict[str, object]
_PERCENTILES = (2.5, 97.5)


def predict_folds(
    texts: list[str], text: Floats, picture: Floats, labels: Ints, config: FusionConfig
) -> dict[str, Floats]:
    """Probabilities (n, 3) of each row by a head that was learned without its fold.

    "text" and "picture" are the same head without the other side.
    """
    outer, inner = (folds_of(texts, config.folds, f"{name} {config.seed}") for name in ("o", "i"))
    found = {name: np.zeros((len(labels), CLASSES), np.float32) for name in MODALITIES}
    for fold in range(config.folds):
        test, train = outer == fold, outer != fold
        if not test.any():
            continue
        head = learn(text[train], picture[train], labels[train], inner[train], config).head
        found["text"][test] = softmax(head.logits(text[test], None))
        found["picture"][test] = softmax(head.logits(None, picture[test]))
        found["both"][test] = softmax(head.logits(text[test], picture[test]))
    return found


def figures(found: dict[str, Floats], labels: Ints, config: FusionConfig) -> Figures:
    """Accuracy, F1 and calibration of each modality with 95% intervals, and gains of both."""
    measured: Figures = {name: _one(found[name], labels, config) for name in MODALITIES}
    counts = np.bincount(labels, minlength=CLASSES)
    measured["rows"] = len(labels)
    measured["majority"] = round(float(counts.max() / len(labels)), 4)
    right = {name: (found[name].argmax(-1) == labels).astype(np.float64) for name in MODALITIES}
    measured["gain_over_text"] = _gain(right["both"] - right["text"], config)
    measured["gain_over_picture"] = _gain(right["both"] - right["picture"], config)
    return measured


def _one(probabilities: Floats, labels: Ints, config: FusionConfig) -> Figures:
    confusion = confusion_matrix(labels, probabilities.argmax(-1).astype(np.int64))
    values = {name: float(value) for name, value in scores(confusion).items()}
    intervals = bootstrap(confusion, probabilities, labels, config.resamples, config.seed)
    rounded: Figures = {name: round(value, 4) for name, value in values.items()}
    rounded["calibration_error"] = round(calibration_error(probabilities, labels), 4)
    rounded["intervals"] = {name: [round(v, 4) for v in pair] for name, pair in intervals.items()}
    return rounded


def _gain(
    differences: np.ndarray[tuple[int], np.dtype[np.float64]], config: FusionConfig
) -> Figures:
    """The mean of paired differences and its interval, by resampling rows."""
    generator = np.random.default_rng(config.seed)
    rows = len(differences)
    means = [
        differences[generator.integers(rows, size=rows)].mean() for _ in range(config.resamples)
    ]
    low, high = np.percentile(means, _PERCENTILES)
    return {
        "accuracy": round(float(differences.mean()), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
    }
