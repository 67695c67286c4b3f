"""Fits a side of the head by itself, then the gate over both sides."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sagemaker_jobs.evaluate.metrics import CLASSES, Floats, Ints
from shared.runtime.fusion import FusionHead, Side, doubt

_STEPS = 200
_LEAST_DEVIATION = 1e-6
_GATE_PENALTY = 1e-4


def fit_side(vectors: Floats, labels: Ints, strengths: Sequence[float]) -> list[Side]:
    """Ridge regressions onto the sentiments, one for each strength.

    Args:
        vectors: (n, d).
        labels: (n,).
        strengths: Penalties of the weights over standardised vectors, beside the mean error.
    """
    mean, deviation = vectors.mean(0), np.maximum(vectors.std(0), _LEAST_DEVIATION)
    inputs = (vectors - mean) / deviation
    targets = np.eye(CLASSES, dtype=np.float32)[labels]
    shares = targets.mean(0)
    variances, directions = np.linalg.eigh(inputs.T @ inputs / len(labels))
    slopes = directions.T @ (inputs.T @ (targets - shares) / len(labels))
    sides = []
    for strength in strengths:
        weights = directions @ (slopes / (variances + strength)[:, None]) / deviation[:, None]
        bias = shares - mean @ weights
        sides.append(Side(weights.astype(np.float32), bias.astype(np.float32)))
    return sides


def choose(
    vectors: Floats, labels: Ints, folds: Ints, strengths: Sequence[float]
) -> tuple[float, Floats]:
    """The strength with the least squared error out of fold, and its scores (n, 3) out of fold."""
    scores = np.zeros((len(strengths), len(labels), CLASSES), np.float32)
    for fold in np.unique(folds):
        test = folds == fold
        sides = fit_side(vectors[~test], labels[~test], strengths)
        for number, side in enumerate(sides):
            scores[number, test] = side.scores(vectors[test])
    errors = np.square(scores - np.eye(CLASSES)[labels]).sum((1, 2))
    best = int(errors.argmin())
    return strengths[best], scores[best]


def fit_head(sides: tuple[Side, Side], scores: tuple[Floats, Floats], labels: Ints,
    dropout: float,
) -> FusionHead:  # fmt: skip
    """The gate over both sides, and the learned vector of a missing one.

    Args:
        sides: that of the texts and that of the pictures, fitted to all rows.
        scores: (n, 3) of both, out of fold: those of the rows that a side was fitted to are too
            sure.
        labels: (n,).
        dropout: share of the rows that lack a side, half of them the text. Each row counts with
            all three, by their shares, instead of being drawn.
    """
    first, second = (torch.from_numpy(each).double() for each in scores)
    targets = torch.from_numpy(labels)
    unsure = torch.from_numpy(doubt(scores[0])).double()
    eye = torch.eye(CLASSES, dtype=torch.float64)
    gates = torch.stack([eye, eye, torch.zeros_like(eye)]).requires_grad_()
    vectors = torch.zeros(3, CLASSES, dtype=torch.float64, requires_grad=True)

    def loss() -> Tensor:
        bias, no_text, no_picture = vectors
        text, surely, perhaps = first @ gates[0], second @ gates[1], second @ gates[2]
        both, without_picture, without_text = (
            nn.functional.cross_entropy(logits + bias, targets)
            for logits in (
                text + surely + unsure * perhaps,
                text + no_picture,
                surely + perhaps + no_text,
            )
        )
        penalty = _GATE_PENALTY * (gates.square().sum() + vectors.square().sum())
        dropped = (without_picture + without_text) / 2
        return (1 - dropout) * both + dropout * dropped + penalty

    _minimise([gates, vectors], loss)
    bias, no_text, no_picture = vectors.detach().numpy().astype(np.float32)
    weights = gates.detach().numpy().astype(np.float32)
    return FusionHead(*sides, weights, bias, no_text, no_picture)


def _minimise(parameters: Sequence[Tensor], loss: Callable[[], Tensor]) -> None:
    """Minimise a convex loss."""
    optimiser = torch.optim.LBFGS(parameters, max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(closure)
