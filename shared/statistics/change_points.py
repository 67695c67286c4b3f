"""Since when a share is another one: a likelihood-ratio scan over days, and an honest p-value."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

MIN_SIDE = 5
"""Reviews that there must be on each side of a change."""
ALPHA = 0.01
"""Largest p-value of a change that is told."""
MIN_DIFFERENCE = 0.05
"""Smallest difference of shares that is told: with many reviews any difference becomes certain."""
_NEGLIGIBLE = 1e-17


class DayCount(NamedTuple):
    """Reviews of one day, and how many of them are negative."""

    day: date
    reviews: int
    negative: int


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The best place to part the days.

    Nobody wrote between the last review before and ``first_seen``, the day of the first one after:
    it began on one of these days. ``day`` is the earliest of them, as reviews come after what they
    tell of. ``p_value``: how often a product whose share never changed shows so much at any place.
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
        """Share of negative reviews since the change."""
        return self.negative_after / self.reviews_after

    @property
    def is_worse(self) -> bool:
        """Whether more are negative than before."""
        return self.share_after > self.share_before

    @property
    def matters(self) -> bool:
        """Whether the shares are far enough apart to be told."""
        return abs(self.share_after - self.share_before) >= MIN_DIFFERENCE

    @property
    def is_told(self) -> bool:
        """Whether it is certain enough, and large enough, to be shown of a product by itself."""
        return self.p_value <= ALPHA and self.matters


def find_change(days: Sequence[DayCount]) -> ChangePoint | None:
    """Find the day from which on the share of negative reviews differs most.

    The place is that of the largest binomial likelihood ratio. Its p-value is exact for one place
    (hypergeometric, given how many reviews are negative in all) and multiplied by the number of
    places that were tried (Bonferroni): whatever the number of reviews, at most a share p of the
    products that never changed has one so small.

    Args:
        days: in their order, each once.

    Returns:
        None where no place has enough reviews on both sides.
    """
    counted = [day for day in days if day.reviews]
    reviews = sum(day.reviews for day in counted)
    negative = sum(day.negative for day in counted)
    tried, best, found = 0, -1.0, None
    before, bad = 0, 0
    for last, first in pairwise(counted):
        before, bad = before + last.reviews, bad + last.negative
        if before < MIN_SIDE or reviews - before < MIN_SIDE:
            continue
        tried += 1
        fit = _log_likelihood(before, bad) + _log_likelihood(reviews - before, negative - bad)
        if found is None or fit > best:
            best, found = fit, (last.day, first.day, before, bad)
    if found is None:
        return None
    last_day, first_seen, before, bad = found
    chance = _hypergeometric(reviews, negative, before, bad)
    return ChangePoint(
        day=last_day + timedelta(days=1),
        first_seen=first_seen,
        reviews_before=before,
        negative_before=bad,
        reviews_after=reviews - before,
        negative_after=negative - bad,
        p_value=min(1.0, tried * chance),
    )


def _log_likelihood(count: int, hits: int) -> float:
    """Of so many hits, at the share that fits them best."""
    misses = count - hits
    if not hits or not misses:
        return 0.0
    return hits * math.log(hits / count) + misses * math.log(misses / count)


def _hypergeometric(total: int, marked: int, drawn: int, seen: int) -> float:
    """Chance of a draw as far out as this one, on both sides together.

    Args:
        total: size of the urn.
        marked: how many of them are marked.
        drawn: how many are drawn.
        seen: marked ones among the drawn.
    """
    low, high = max(0, drawn + marked - total), min(drawn, marked)
    start = math.exp(
        _log_choose(marked, seen)
        + _log_choose(total - marked, drawn - seen)
        - _log_choose(total, drawn)
    )
    step = 1 if seen * total > drawn * marked else -1
    tail, term, at = start, start, seen
    while low <= at + step <= high and term > tail * _NEGLIGIBLE:
        if step > 0:
            term *= (marked - at) * (drawn - at)
            term /= (at + 1) * (total - marked - drawn + at + 1)
        else:
            term *= at * (total - marked - drawn + at)
            term /= (marked - at + 1) * (drawn - at + 1)
        at += step
        tail += term
    return min(1.0, 2 * tail)


def _log_choose(count: int, chosen: int) -> float:
    return math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)
