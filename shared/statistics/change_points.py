"""Change points of a share over days: a likelihood-ratio scan with a valid p-value."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, pairwise
from typing import NamedTuple

from shared.statistics.hypergeometric import tail

MIN_REVIEWS_PER_SIDE = 5
"""Minimum number of reviews on each side of a change."""
MAX_P_VALUE = 0.01
"""Largest p-value of a significant change."""
MIN_SHARE_DIFFERENCE = 0.05
"""Smallest relevant difference of shares: with many reviews, any difference is significant."""
MAX_CHANGES = 10
"""Most changes of one product: each is one more scan of all its days."""


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
    return _scan([day for day in days if day.reviews])


def find_changes(days: Sequence[DayCount]) -> list[ChangePoint]:
    """Find all days at which the share of negative reviews changes: a fall and a recovery are two.

    The days are split where ``find_change`` splits them, then each part likewise. A change is kept
    if it is significant between its neighbours: it compares the reviews since the change before it
    with those until the next one.

    Args:
        days: in order, each day once.

    Returns:
        In order, at most MAX_CHANGES. Not empty if ``find_change`` finds a significant change.
    """
    days = [day for day in days if day.reviews]
    borders = _split(days)
    if not borders:
        return []
    while borders:
        changes = _between_neighbours(days, borders)
        worst = min(changes, key=lambda each: (each.is_significant, -each.p_value))
        if worst.is_significant:
            return changes
        borders.pop(changes.index(worst))
    largest = _scan(days)
    return [largest] if largest else []


def _split(days: Sequence[DayCount]) -> list[int]:
    """Indexes of the first days after changes, in order, before any is compared again."""
    borders: list[int] = []
    parts = deque([(0, len(days))])
    while parts and len(borders) < MAX_CHANGES:
        start, end = parts.popleft()
        change = _scan(days[start:end])
        if change is None or not change.is_significant:
            continue
        border = next(n for n in range(start, end) if days[n].day == change.first_seen)
        borders.append(border)
        parts += [(start, border), (border, end)]
    return sorted(borders)


def _between_neighbours(days: Sequence[DayCount], borders: Sequence[int]) -> list[ChangePoint]:
    """The change at each border, of the days between the borders next to it."""
    ends = [0, *borders, len(days)]
    parts = [days[start:end] for start, end in pairwise(ends)]
    return [_test(before, after) for before, after in pairwise(parts)]


def _test(before: Sequence[DayCount], after: Sequence[DayCount]) -> ChangePoint:
    """The change between two parts, as if it was found among all splits of both."""
    reviews = [sum(day.reviews for day in part) for part in (before, after)]
    negative = [sum(day.negative for day in part) for part in (before, after)]
    p_value = _two_sided_p_value(sum(reviews), sum(negative), reviews[0], negative[0])
    return ChangePoint(
        day=before[-1].day + timedelta(days=1),
        first_seen=after[0].day,
        reviews_before=reviews[0],
        negative_before=negative[0],
        reviews_after=reviews[1],
        negative_after=negative[1],
        p_value=min(1.0, _count_splits([*before, *after]) * p_value),
    )


def _count_splits(days: Sequence[DayCount]) -> int:
    """The number of splits with enough reviews on both sides."""
    reviews = sum(day.reviews for day in days)
    sums = accumulate(day.reviews for day in days[:-1])
    return sum(MIN_REVIEWS_PER_SIDE <= each <= reviews - MIN_REVIEWS_PER_SIDE for each in sums)


def _scan(days: Sequence[DayCount]) -> ChangePoint | None:
    """``find_change`` of days that all have reviews."""
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
