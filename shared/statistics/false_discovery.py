"""Correction for many tests: Benjamini and Hochberg's false discovery rate."""

from collections.abc import Sequence


def q_values(p_values: Sequence[float], tests: int) -> list[float]:
    """The smallest false discovery rate at which each test is significant.

    If ``p_values`` contains all p-values up to some limit, every q-value up to that limit is exact:
    an omitted p-value could only lead to a larger one.

    Args:
        p_values: the smallest p-values, in ascending order.
        tests: how many tests were made in total.
    """
    q_values: list[float] = []
    smallest = 1.0
    for rank in range(len(p_values), 0, -1):
        smallest = min(smallest, p_values[rank - 1] * tests / rank)
        q_values.append(smallest)
    return q_values[::-1]
