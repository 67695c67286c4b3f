"""Figures of a head on rows that it was not learned from: text, picture, both, and their gaps."""

import numpy as np

from sagemaker_jobs.evaluate.intervals import bootstrap, percentiles
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
from shared.runtime.decisions import Decided, decide
from shared.runtime.probabilities import softmax
from shared.schemas.decisions import Rule

MODALITIES = ("text", "picture", "both")
Figures = dict[str, object]


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


def figures(
    found: dict[str, Floats], served: Decided, labels: Ints, config: FusionConfig
) -> Figures:
    """Accuracy, F1 and calibration of each modality with 95% intervals, and gains of both.

    Args:
        found: what ``predict_folds`` returns.
        served: the text model's own answers, without the head.
        labels: (n,).
        config: resamples and seed.
    """
    decided = {name: decide(Rule(), each) for name, each in found.items()} | {"served": served}
    measured: Figures = {name: _one(each, labels, config) for name, each in decided.items()}
    counts = np.bincount(labels, minlength=CLASSES)
    measured["rows"] = len(labels)
    measured["majority"] = round(float(counts.max() / len(labels)), 4)
    right = {name: (each.labels == labels).astype(np.float64) for name, each in decided.items()}
    for name in ("served", "text", "picture"):
        measured[f"gain_over_{name}"] = gain(
            right["both"] - right[name], config.resamples, config.seed
        )
    return measured


def _one(decided: Decided, labels: Ints, config: FusionConfig) -> Figures:
    confusion = confusion_matrix(labels, decided.labels)
    probabilities = decided.probabilities
    intervals = bootstrap(confusion, probabilities, labels, config.resamples, config.seed)
    figures: Figures = {name: round(float(value), 4) for name, value in scores(confusion).items()}
    figures["calibration_error"] = round(calibration_error(probabilities, labels), 4)
    figures["intervals"] = {name: [round(v, 4) for v in pair] for name, pair in intervals.items()}
    return figures


def gain(
    differences: np.ndarray[tuple[int], np.dtype[np.float64]], resamples: int, seed: int
) -> Figures:
    """The mean of paired differences (n,) of accuracy and its interval, by resampling rows."""
    generator = np.random.default_rng(seed)
    rows = len(differences)
    means = [differences[generator.integers(rows, size=rows)].mean() for _ in range(resamples)]
    return {
        "accuracy": round(float(differences.mean()), 4),
        "interval": [round(value, 4) for value in percentiles(means)],
    }
