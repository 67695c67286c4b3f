"""A linear correction of a model's logits, drawn towards none at all.

``logits + bias + centred logits @ M + embedding @ W``, fitted by penalised multinomial logistic
regression. With strong penalties all parts are zero and the model stays what it was, so a few
reviews can move it a little, many more. Left out are the encoder and the embedding: they do not
change.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.runtime.probabilities import softmax

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

_ROUNDS = 300
_CONVERGED = 1e-5
"""Largest change of a logit in a round: far below what decides between two classes."""


class Strength(NamedTuple):
    """Penalties on the squares of each part, against the summed log loss; None leaves it out."""

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
"""From the most cautious to the freest. Looser ones lost on every set that was tried."""


class Inputs(NamedTuple):
    """What a model says of n texts: log probabilities (n, classes), embeddings (n, d)."""

    logits: Floats
    embeddings: Floats

    def rows(self, chosen: npt.NDArray[np.bool_]) -> "Inputs":
        """Some of the texts."""
        return Inputs(self.logits[chosen], self.embeddings[chosen])


class Correction(NamedTuple):
    """``bias`` (classes,), ``logits`` M (classes, classes), ``embedding`` W (d, classes).

    M is applied to logits that sum to zero, so that a constant added to all of them counts nothing.
    """

    bias: Floats
    logits: Floats
    embedding: Floats

    def apply(self, inputs: Inputs) -> Floats:
        """Corrected logits (n, classes)."""
        moved = _centred(inputs.logits) @ self.logits + inputs.embeddings @ self.embedding
        return inputs.logits + self.bias + moved


def inputs_of(probabilities: npt.ArrayLike, embeddings: npt.ArrayLike) -> Inputs:
    """Inputs from what an encoder gives."""
    chances = np.asarray(probabilities, dtype=np.float64)
    logits = np.log(np.maximum(chances, np.finfo(np.float32).tiny))
    return Inputs(logits, np.asarray(embeddings, dtype=np.float64))


def _centred(logits: Floats) -> Floats:
    result: Floats = logits - logits.mean(-1, keepdims=True)
    return result


def fit(inputs: Inputs, labels: Labels, strength: Strength) -> Correction:
    """The correction that minimises summed log loss and penalties.

    Args:
        inputs: Of n texts.
        labels: (n,), indexes of classes.
        strength: What holds it back.
    """
    centred, embeddings = _centred(inputs.logits), inputs.embeddings
    likeness = np.full((len(labels), len(labels)), 1 / strength.bias)
    if strength.logits is not None:
        likeness += centred @ centred.T / strength.logits
    if strength.embedding is not None:
        likeness += embeddings @ embeddings.T / strength.embedding
    left = _residuals(likeness, inputs.logits, labels)
    # Where the loss is least, each weight is what the residuals leave it, over its penalty.
    return Correction(
        left.sum(0) / strength.bias,
        _over(centred.T @ left, strength.logits),
        _over(embeddings.T @ left, strength.embedding),
    )


def _over(values: Floats, penalty: float | None) -> Floats:
    return np.zeros_like(values) if penalty is None else values / penalty


def _residuals(likeness: Floats, start: Floats, labels: Labels) -> Floats:
    """Labels less probabilities (n, classes) where the penalised loss is least.

    Solved over texts, of which there are fewer than weights: ``likeness`` (n, n) holds the products
    of the texts' features over their penalties, and times the residuals it is what is added to the
    logits. Half an identity matrix bounds the curvature of each text's log loss everywhere (Böhning
    1992), so one matrix serves all steps, and none needs a search along its direction. They are
    accelerated as Nesterov does, with a restart where they turn back.
    """
    target = np.eye(start.shape[1])[labels]
    step = np.linalg.solve(np.eye(len(labels)) + likeness / 2, likeness)
    added = ahead = np.zeros_like(start)
    momentum = 1.0
    for _ in range(_ROUNDS):
        new = step @ (target - softmax(start + ahead) + ahead / 2)
        change = new - added
        turned = float(((ahead - new) * change).sum()) > 0
        following = 1.0 if turned else (1 + float(np.sqrt(1 + 4 * momentum**2))) / 2
        ahead = new if turned else new + (momentum - 1) / following * change
        added, momentum = new, following
        if np.abs(change).max() < _CONVERGED:
            break
    return target - softmax(start + added)
