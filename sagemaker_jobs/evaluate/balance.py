"""Samples with equally many of each star."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_FEWEST_STARS = 20
"""Rows per star that a balanced sample needs."""


def balanced_stars(stars: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rows of a sample with equally many of each of the five stars; empty if one is too rare."""
    by_star = [np.flatnonzero(np.asarray(stars) == star) for star in range(1, 6)]
    count = min(map(len, by_star))
    if count < _FEWEST_STARS:
        return np.zeros(0, np.int64)
    return np.concatenate([rows[np.arange(count) * len(rows) // count] for rows in by_star])
