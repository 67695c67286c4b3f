"""Population stability index: how much a distribution has shifted."""

import math
from collections.abc import Sequence

MIN_INDEX_SHIFTED, MIN_INDEX_STRONGLY_SHIFTED = 0.1, 0.25
"""Customary limits: below the first the distribution is stable."""
_PRIOR_COUNT = 0.5


def stability_index(reference: Sequence[int], recent: Sequence[int]) -> float:
    """Sum of (b - a) ln(b / a) over the shares a and b of each bin; 0 if they are equal.

    Half a review is added to each bin, so that an empty bin does not make the index infinite.

    Args:
        reference: number of reviews in each bin.
        recent: number of recent reviews in the same bins.
    """
    pairs = zip(_shares(reference), _shares(recent), strict=True)
    return sum((b - a) * math.log(b / a) for a, b in pairs)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + _PRIOR_COUNT * len(counts)
    return [(count + _PRIOR_COUNT) / total for count in counts]
