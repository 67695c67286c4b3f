"""Change points of a share over days: a likelihood-ratio scan with a valid p-value."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from shared.statistics.hypergeometric import tail

MIN_REVIEWS_PER_SIDE = 5
"""Minimum number of reviews on each side of a change."""
MAX_P_VALUE = 0.01
"""Largest p-value of a significant change."""
MIN_SHARE_DIFFERENCE = 0.05
"""Smallest relevant difference of shares: with many reviews, any difference is significant."""


class DayCount(NamedTuple):
    """Number of reviews of one day, and how many of them are negative."""

    day: date
    reviews: int
    negative: int


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The most likely day of a change.

    The change began on one of the days from ``day``, the day after the last review before it, to
    ``first_seen``, the day of the first review after it. ``p_value`` is the probability of a split
    this extreme, at any day, if the share never changed.
    """

    day: date
    first_seen: date
    reviews_before: int
    negative_before: int
    reviews_after: int
    negative_after: int
    p_value: float

    @property
    def share_before(self) -> float:
        """Share of negative reviews before the change."""
        return self.negative_before / self.reviews_before

    @property
    def share_after(self) -> float:
        """Share of negative reviews after the change."""
        return self.negative_after / self.reviews_after

    @property
    def is_worse(self) -> bool:
        """Whether the share of negative reviews increased."""
        return self.share_after > self.share_before

    @property
    def is_relevant(self) -> bool:
        """Whether the shares differ enough to be reported."""
        return abs(self.share_after - self.share_before) >= MIN_SHARE_DIFFERENCE

    @property
    def is_significant(self) -> bool:
        """Whether the change is significant and relevant, tested for a single product."""
        return self.p_value <= MAX_P_VALUE and self.is_relevant


def find_change(days: Sequence[DayCount]) -> ChangePoint | None:
    """Find the day at which the share of negative reviews changes most.

    It is the split with the largest binomial likelihood ratio. Its p-value is exact for one split
    (hypergeometric, given the total number of negative reviews), multiplied by the number of splits
    tried (Bonferroni): of products that never changed, at most a share p has a p-value of p or
    less.

    Args:
        days: in order, each day once.

    Returns:
        None if no split has enough reviews on both sides.
    """
    days = [day for day in days if day.reviews]
    reviews = sum(day.reviews for day in days)
    negative = sum(day.negative for day in days)
    splits, best_fit, best_split = 0, -1.0, None
    before, negative_before = 0, 0
    for last, first in pairwise(days):
        before, negative_before = before + last.reviews, negative_before + last.negative
        if before < MIN_REVIEWS_PER_SIDE or reviews - before < MIN_REVIEWS_PER_SIDE:
            continue
        splits += 1
        fit = _log_likelihood(before, negative_before)
        fit += _log_likelihood(reviews - before, negative - negative_before)
        if best_split is None or fit > best_fit:
            best_fit, best_split = fit, (last.day, first.day, before, negative_before)
    if best_split is None:
        return None
    last_day, first_seen, before, negative_before = best_split
    p_value = _two_sided_p_value(reviews, negative, before, negative_before)
    return ChangePoint(
        day=last_day + timedelta(days=1),
        first_seen=first_seen,
        reviews_before=before,
        negative_before=negative_before,
        reviews_after=reviews - before,
        negative_after=negative - negative_before,
        p_value=min(1.0, splits * p_value),
    )


def _log_likelihood(count: int, hits: int) -> float:
    """Binomial log-likelihood of ``hits`` at the share that maximises it."""
    misses = count - hits
    if not hits or not misses:
        return 0.0
    return hits * math.log(hits / count) + misses * math.log(misses / count)


def _two_sided_p_value(total: int, marked: int, drawn: int, hits: int) -> float:
    """Two-sided p-value of a hypergeometric draw: twice the tail on its side."""
    return min(1.0, 2 * tail(total, marked, drawn, hits))
