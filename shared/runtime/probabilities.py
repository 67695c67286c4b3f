"""Converts logits to probabilities."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Real = TypeVar("Real", bound=np.floating[Any])


def softmax(logits: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Probabilities over the last axis, stable for large logits."""
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities: npt.NDArray[Real] = weights / weights.sum(-1, keepdims=True)
    return probabilities
