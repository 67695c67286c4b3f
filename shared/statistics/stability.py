"""How far a distribution has moved: the population stability index."""

import math
from collections.abc import Sequence

SHIFTED, STRONGLY_SHIFTED = 0.1, 0.25
"""The customary limits: below the first nothing to speak of, from the second on a lot."""
_PRIOR = 0.5


def stability_index(reference: Sequence[int], recent: Sequence[int]) -> float:
    """Sum of (b - a) ln(b / a) over the shares a and b of each bin; 0 where they are equal.

    Half a review is added to each bin, so that an empty one is no infinite surprise.

    Args:
        reference: reviews of each bin.
        recent: reviews of the same bins.
    """
    pairs = zip(_shares(reference), _shares(recent), strict=True)
    return sum((b - a) * math.log(b / a) for a, b in pairs)


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) + _PRIOR * len(counts)
    return [(count + _PRIOR) / whole for count in counts]
