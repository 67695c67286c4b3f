"""Many tests at once: Benjamini and Hochberg's correction."""

from collections.abc import Sequence


def q_values(p_values: Sequence[float], tests: int) -> list[float]:
    """The smallest false discovery rate at which each of some tests counts.

    Where all tests with a p-value up to some limit are given, every q-value up to that limit is
    exact: one that was left out could only lead to a larger one.

    Args:
        p_values: the smallest of all, rising.
        tests: how many tests were made in all.
    """
    found: list[float] = []
    least = 1.0
    for rank in range(len(p_values), 0, -1):
        least = min(least, p_values[rank - 1] * tests / rank)
        found.append(least)
    return found[::-1]
