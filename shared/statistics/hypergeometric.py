"""Exact tail of a hypergeometric draw, for tests on counts in two groups."""

import math

_NEGLIGIBLE_SHARE = 1e-17


def tail(total: int, marked: int, drawn: int, hits: int) -> float:
    """Probability of a draw at least as far from the expected one, on its side.

    It is that of ``hits`` or more if these are more than expected, else of ``hits`` or fewer.

    Args:
        total: size of the population.
        marked: how many of it are marked.
        drawn: how many are drawn.
        hits: how many of the drawn are marked.
    """
    low, high = max(0, drawn + marked - total), min(drawn, marked)
    start = math.exp(
        _log_choose(marked, hits)
        + _log_choose(total - marked, drawn - hits)
        - _log_choose(total, drawn)
    )
    step = 1 if hits * total > drawn * marked else -1
    summed, term, at = start, start, hits
    while low <= at + step <= high and term > summed * _NEGLIGIBLE_SHARE:
        if step > 0:
            term *= (marked - at) * (drawn - at)
            term /= (at + 1) * (total - marked - drawn + at + 1)
        else:
            term *= at * (total - marked - drawn + at)
            term /= (marked - at + 1) * (drawn - at + 1)
        at += step
        summed += term
    return min(1.0, summed)


def _log_choose(count: int, chosen: int) -> float:
    return math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)
