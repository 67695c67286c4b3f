"""How strongly a correction is held back, by cross-validation on the labelled reviews themselves.

No correction at all is one of the choices, and it has the last word: another one must be better by
more than ``_CERTAINTY`` standard errors of the paired difference. Tried on held-out reviews of
shifted and of known kinds, that kept nearly all of the gain on the former and most of the loss off
the latter.
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
from sagemaker_jobs.adapt.figures import log_losses
from shared.runtime.probabilities import softmax

_CERTAINTY = 1.5


def split(labels: Labels, folds: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The fold (n,) of each row; each class is spread over the folds as evenly as it goes."""
    found = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        found[rows] = (np.arange(len(rows)) + rng.integers(folds)) % folds
    return found


def _parts(labels: Labels, folds: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.bool_]]:
    """Which rows (n,) are held out, fold by fold."""
    fold = split(labels, folds, rng)
    for number in range(folds):
        held_out = fold == number
        if held_out.any() and not held_out.all():
            yield held_out


def corrected(inputs: Inputs, labels: Labels, strength: Strength | None, new: Inputs) -> Floats:
    """Probabilities of new texts after a fit on others; no strength gives the model's own."""
    if strength is None:
        return softmax(new.logits)
    return softmax(fit(inputs, labels, strength).apply(new))


def choose(
    inputs: Inputs, labels: Labels, *, folds: int, repeats: int, rng: np.random.Generator
) -> Strength | None:
    """The strength with the least cross-validated log loss; None where none is surely better."""
    choices = (None, *STRENGTHS)
    losses = np.zeros((len(choices), len(labels)))
    for _ in range(repeats):
        for held_out in _parts(labels, folds, rng):
            seen, new = inputs.rows(~held_out), inputs.rows(held_out)
            for row, strength in enumerate(choices):
                chances = corrected(seen, labels[~held_out], strength, new)
                losses[row, held_out] += log_losses(chances, labels[held_out]) / repeats
    best = int(losses.mean(1).argmin())
    gain = losses[0] - losses[best]
    return choices[best] if gain.mean() > _CERTAINTY * standard_error(gain) else None


def standard_error(values: Floats) -> float:
    """Of the mean of n values."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def estimate(
    inputs: Inputs,
    labels: Labels,
    *,
    folds: int,
    repeats: int,
    rng: np.random.Generator,
) -> Floats:
    """Probabilities (repeats, n, classes) of each row by corrections that have not seen it.

    The strength is chosen anew inside each part (nested), so it has not seen the row either.
    """
    found = np.repeat(softmax(inputs.logits)[None], repeats, axis=0)
    for chances in found:
        for held_out in _parts(labels, folds, rng):
            seen, known = inputs.rows(~held_out), labels[~held_out]
            strength = choose(seen, known, folds=folds, repeats=1, rng=rng)
            chances[held_out] = corrected(seen, known, strength, inputs.rows(held_out))
    return found
