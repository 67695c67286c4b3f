"""The projection of picture features into the space of the texts, and its closed-form start."""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

FILE = "projection.safetensors"
_LEAST_DEVIATION = 1e-3
"""Of a feature: one that hardly varies would otherwise be multiplied without limit."""


class Projection(nn.Module):
    """Features (n, d) to unit vectors (n, e): a linear map plus a small residual MLP.

    The MLP adds nothing at first: an untrained projection is its linear map alone.
    """

    def __init__(self, features: int, dimension: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(features), requires_grad=False)
        self.inverse = nn.Parameter(torch.ones(features), requires_grad=False)
        self.linear = nn.Linear(features, dimension)
        self.down = nn.Linear(features, hidden)
        self.up = nn.Linear(hidden, dimension)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """The vectors of a batch."""
        values = self.dropout((features - self.mean) * self.inverse)
        hidden = self.dropout(torch.relu(self.down(values)))
        return nn.functional.normalize(self.linear(values) + self.up(hidden), dim=-1)

    @torch.no_grad()
    def standardise(self, features: Tensor) -> Tensor:
        """Set mean and deviation from the features of training; returns them standardised."""
        self.mean.copy_(features.mean(0))
        self.inverse.copy_(1 / features.std(0).clamp(min=_LEAST_DEVIATION))
        return (features - self.mean) * self.inverse


class Ridge:
    """The closed-form linear maps of standardised features to targets, for any strength."""

    def __init__(self, features: Tensor, targets: Tensor) -> None:
        values = features.double()
        self._bias = targets.double().mean(0)
        self._gram = values.T @ values / len(values)
        self._moments = values.T @ (targets.double() - self._bias) / len(values)

    @torch.no_grad()
    def set(self, projection: Projection, strength: float) -> None:
        """Set the linear map of a projection.

        Args:
            projection: Its mean and deviation are those of the features.
            strength: Relative to the mean variance of the features.
        """
        ridge = strength * self._gram.diagonal().mean()
        regular = self._gram + ridge * torch.eye(len(self._gram), dtype=self._gram.dtype)
        weights = torch.linalg.solve(regular, self._moments)
        projection.linear.weight.copy_(weights.T)
        projection.linear.bias.copy_(self._bias)


def save_projection(folder: Path, projection: Projection) -> None:
    """Write the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.contiguous() for name, value in projection.state_dict().items()}
    partial = folder / f".{FILE}"
    save_file(weights, partial)
    partial.replace(folder / FILE)


def load_projection(folder: Path) -> Projection:
    """The projection of a folder, in evaluation mode."""
    path = folder / FILE
    with safe_open(path, framework="pt") as opened:
        hidden, features = opened.get_slice("down.weight").get_shape()
        dimension = opened.get_slice("linear.bias").get_shape()[0]
    projection = Projection(features, dimension, hidden)
    projection.load_state_dict(load_file(path))
    projection.eval()
    return projection
