"""A linear correction of a model's logits, regularised towards no correction.

``logits + bias + centred logits @ M + embedding @ W``, fitted by penalised multinomial logistic
regression. With strong penalties all parts are zero and the model stays the same, so few reviews
change it a little and many change it more. Encoder and embedding do not change.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.runtime.probabilities import softmax

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

_MAX_ROUNDS = 300
_TOLERANCE = 1e-5
"""Largest change of a logit per round at convergence, far too small to change a label."""


class Strength(NamedTuple):
    """Penalties on the squares of each part, relative to the summed log loss; None: not fitted."""

    name: str
    bias: float
    logits: float | None = None
    embedding: float | None = None


STRENGTHS = (
    Strength("bias", 10.0),
    Strength("logits", 10.0, 50.0),
    Strength("embedding, held", 10.0, 50.0, 4.0),
    Strength("embedding, lightly held", 5.0, 20.0, 2.0),
    Strength("embedding, loose", 2.0, 10.0, 1.0),
)
"""From the strongest to the weakest penalties. Weaker ones were worse on every set tested."""


class Inputs(NamedTuple):
    """Outputs of a model for n texts: log probabilities (n, classes), embeddings (n, d)."""

    logits: Floats
    embeddings: Floats

    def rows(self, chosen: npt.NDArray[np.bool_]) -> "Inputs":
        """The selected texts."""
        return Inputs(self.logits[chosen], self.embeddings[chosen])


class Correction(NamedTuple):
    """``bias`` (classes,), ``logits`` M (classes, classes), ``embedding`` W (d, classes).

    M is applied to centred logits, so that a constant added to all of them has no effect.
    """

    bias: Floats
    logits: Floats
    embedding: Floats

    def apply(self, inputs: Inputs) -> Floats:
        """Corrected logits (n, classes)."""
        shift = _centred(inputs.logits) @ self.logits + inputs.embeddings @ self.embedding
        return inputs.logits + self.bias + shift


def model_inputs(probabilities: npt.ArrayLike, embeddings: npt.ArrayLike) -> Inputs:
    """Inputs from the outputs of an encoder."""
    values = np.asarray(probabilities, dtype=np.float64)
    logits = np.log(np.maximum(values, np.finfo(np.float32).tiny))
    return Inputs(logits, np.asarray(embeddings, dtype=np.float64))


def _centred(logits: Floats) -> Floats:
    result: Floats = logits - logits.mean(-1, keepdims=True)
    return result


def fit(inputs: Inputs, labels: Labels, strength: Strength) -> Correction:
    """Fit the correction that minimises summed log loss and penalties.

    Args:
        inputs: Model outputs for n texts.
        labels: (n,), indexes of classes.
        strength: The penalties.
    """
    centred, embeddings = _centred(inputs.logits), inputs.embeddings
    kernel = np.full((len(labels), len(labels)), 1 / strength.bias)
    if strength.logits is not None:
        kernel += centred @ centred.T / strength.logits
    if strength.embedding is not None:
        kernel += embeddings @ embeddings.T / strength.embedding
    residuals = _residuals(kernel, inputs.logits, labels)
    # at the minimum, each weight is its feature's sum of residuals, divided by its penalty
    return Correction(
        residuals.sum(0) / strength.bias,
        _divide(centred.T @ residuals, strength.logits),
        _divide(embeddings.T @ residuals, strength.embedding),
    )


def _divide(values: Floats, penalty: float | None) -> Floats:
    return np.zeros_like(values) if penalty is None else values / penalty


def _residuals(kernel: Floats, start: Floats, labels: Labels) -> Floats:
    """Labels minus probabilities (n, classes) at the minimum of the penalised loss.

    Solved in the space of texts, which are fewer than the weights: ``kernel`` (n, n) holds the
    products of the texts' features divided by their penalties, and ``kernel @ residuals`` is the
    change of the logits. Half an identity matrix bounds the curvature of each text's log loss
    everywhere (Böhning 1992), so one matrix serves all steps without a line search. Nesterov
    momentum accelerates them, with a restart when the direction reverses.
    """
    target = np.eye(start.shape[1])[labels]
    step = np.linalg.solve(np.eye(len(labels)) + kernel / 2, kernel)
    shift = ahead = np.zeros_like(start)
    momentum = 1.0
    for _ in range(_MAX_ROUNDS):
        new = step @ (target - softmax(start + ahead) + ahead / 2)
        change = new - shift
        reversed_ = float(((ahead - new) * change).sum()) > 0
        next_momentum = 1.0 if reversed_ else (1 + float(np.sqrt(1 + 4 * momentum**2))) / 2
        ahead = new if reversed_ else new + (momentum - 1) / next_momentum * change
        shift, momentum = new, next_momentum
        if np.abs(change).max() < _TOLERANCE:
            break
    return target - softmax(start + shift)
