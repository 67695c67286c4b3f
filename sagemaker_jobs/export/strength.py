"""Chooses how far an input is smoothed: as far as its quantised products have the least error.

Inputs differ: those of the second feed-forward product have rare large values, which need more
smoothing than values that come from a normalisation.
"""

import numpy as np
import torch
from torch import Tensor

from sagemaker_jobs.export.static import best_grid

STRENGTHS = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
_FLOOR = 1e-3
_WEIGHT_STEPS = 64


def factors(maxima: Tensor, weights: Tensor, strength: float) -> Tensor:
    """Divisor of each input (k,).

    Args:
        maxima: (k,) largest absolute value of each input.
        weights: (n, k) of all layers that read the inputs.
        strength: 0 keeps the inputs, 1 moves all of their range into the weights.
    """
    ranges = maxima.clamp(min=_FLOOR) ** strength
    return ranges / weights.abs().amax(0).clamp(min=_FLOOR) ** (1 - strength)


def product_error(inputs: Tensor, weights: Tensor, divisor: Tensor) -> float:
    """Mean squared error of products that are quantised after smoothing.

    Args:
        inputs: (m, k) of real texts.
        weights: (n, k).
        divisor: (k,) divides the inputs and multiplies the weights.
    """
    smoothed = (inputs / divisor).numpy()
    rounded = torch.from_numpy(best_grid(smoothed).nearest(smoothed).astype(np.float32))
    scaled = weights * divisor
    steps = scaled.abs().amax(1, keepdim=True).clamp(min=1e-9) / _WEIGHT_STEPS
    quantised = torch.round(scaled / steps) * steps
    return float((rounded @ quantised.T - inputs @ weights.T).square().mean())


def best_strength(inputs: Tensor, weights: Tensor, maxima: Tensor) -> float:
    """The one of STRENGTHS with the least error; see product_error and factors."""
    return min(
        STRENGTHS,
        key=lambda tried: product_error(inputs, weights, factors(maxima, weights, tried)),
    )
