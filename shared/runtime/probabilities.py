"""From logits to probabilities."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Real = TypeVar("Real", bound=np.floating[Any])


def softmax(logits: npt.NDArray[Real]) -> npt.NDArray[Real]:
    """Probabilities over the last axis, safe for large logits."""
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    found: npt.NDArray[Real] = shifted / shifted.sum(-1, keepdims=True)
    return found
