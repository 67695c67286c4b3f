"""Calibration on validation: a weight for each part of the head, and a bias per class."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sagemaker_jobs.train.encoder import ReviewEncoder


class Calibration(NamedTuple):
    """Weights of the two parts' logits, and a bias (3,) of mean 0."""

    deep: float
    wide: float
    bias: Tensor

    def apply(self, deep: Tensor, wide: Tensor) -> Tensor:
        """Calibrated logits (n, 3)."""
        return self.deep * deep + self.wide * wide + self.bias


def fit_calibration(deep: Tensor, wide: Tensor, labels: Tensor) -> Calibration:
    """Fit the calibration by minimising the log loss.

    The bias corrects the class balance of training to the natural one of validation.

    Args:
        deep: (n, 3) logits of the deep part.
        wide: (n, 3) logits of the wide part.
        labels: (n,) int64.
    """
    weights = torch.tensor([0.5, 0.5], requires_grad=True)
    bias = torch.zeros(deep.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = weights[0] * deep + weights[1] * wide + bias
        loss = nn.functional.cross_entropy(logits, labels)
        loss.backward()
        return loss

    optimizer.step(closure)
    deep_weight, wide_weight = weights.tolist()
    return Calibration(deep_weight, wide_weight, (bias - bias.mean()).detach())


@torch.no_grad()
def fold_into_head(model: ReviewEncoder, calibration: Calibration) -> None:
    """Scale the head's weights so that it returns calibrated logits."""
    last = model.head[-1]
    last.weight.mul_(calibration.deep)
    last.bias.mul_(calibration.deep).add_(calibration.bias)
    model.wide.scale(calibration.wide)
