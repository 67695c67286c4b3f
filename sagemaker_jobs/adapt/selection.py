"""Chooses the strength of a correction by cross-validation on the labelled reviews.

No correction is one of the choices and the default: another one must be better by more than
``_MIN_STANDARD_ERRORS`` standard errors of the paired difference. On held-out reviews, this kept
nearly all of the gain on shifted kinds and avoided most of the loss on known ones.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sagemaker_jobs.adapt.correction import (
    STRENGTHS,
    Floats,
    Inputs,
    Labels,
    Strength,
    fit,
)
from sagemaker_jobs.evaluate.figures import log_losses
from shared.runtime.probabilities import softmax

_MIN_STANDARD_ERRORS = 1.5


def split(labels: Labels, folds: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The fold (n,) of each row; each class is spread as evenly as possible over the folds."""
    fold = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        fold[rows] = (np.arange(len(rows)) + rng.integers(folds)) % folds
    return fold


def _held_out_masks(
    labels: Labels, folds: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.bool_]]:
    """Mask (n,) of the held-out rows, for each fold."""
    fold = split(labels, folds, rng)
    for number in range(folds):
        held_out = fold == number
        if held_out.any() and not held_out.all():
            yield held_out


def corrected(inputs: Inputs, labels: Labels, strength: Strength | None, new: Inputs) -> Floats:
    """Probabilities of new texts after a fit on others; without a strength, the model's own."""
    if strength is None:
        return softmax(new.logits)
    return softmax(fit(inputs, labels, strength).apply(new))


def choose(
    inputs: Inputs, labels: Labels, *, folds: int, repeats: int, rng: np.random.Generator
) -> Strength | None:
    """The strength with the least cross-validated log loss; None if not significantly better."""
    choices = (None, *STRENGTHS)
    losses = np.zeros((len(choices), len(labels)))
    for _ in range(repeats):
        for held_out in _held_out_masks(labels, folds, rng):
            fitted, new = inputs.rows(~held_out), inputs.rows(held_out)
            for row, strength in enumerate(choices):
                probabilities = corrected(fitted, labels[~held_out], strength, new)
                losses[row, held_out] += log_losses(probabilities, labels[held_out]) / repeats
    best = int(losses.mean(1).argmin())
    gain = losses[0] - losses[best]
    return choices[best] if gain.mean() > _MIN_STANDARD_ERRORS * standard_error(gain) else None


def standard_error(values: Floats) -> float:
    """Standard error of the mean of n values."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def estimate(
    inputs: Inputs,
    labels: Labels,
    *,
    folds: int,
    repeats: int,
    rng: np.random.Generator,
) -> Floats:
    """Probabilities (repeats, n, classes) of each row by corrections fitted without it.

    The strength is chosen within each fold (nested), so it is independent of the row, too.
    """
    estimates = np.repeat(softmax(inputs.logits)[None], repeats, axis=0)
    for probabilities in estimates:
        for held_out in _held_out_masks(labels, folds, rng):
            fitted, fitted_labels = inputs.rows(~held_out), labels[~held_out]
            strength = choose(fitted, fitted_labels, folds=folds, repeats=1, rng=rng)
            probabilities[held_out] = corrected(
                fitted, fitted_labels, strength, inputs.rows(held_out)
            )
    return estimates
