"""Texts that the export looks at: to smooth, round, align, and measure what int8 changed."""

from collections.abc import Sequence

import numpy as np

SMOOTHING = 256
SMOOTHING_TOKENS = 128
ROUNDING_CUT = (128, 32)
AGREEMENT = 512
ARITHMETIC = 32


def aligning(texts: Sequence[str], rows: int) -> list[str]:
    """Up to ``rows`` texts, spread over all."""
    return list(texts[:: _step(texts, rows)][:rows])


def rounding(texts: Sequence[str], rows: int) -> list[str]:
    """Up to ``rows`` texts, spread over all, beside those that align."""
    return aligning(texts[1:], rows) if rows else []


def measuring(texts: Sequence[str], rows: int) -> list[str]:
    """Up to AGREEMENT texts that neither smoothing nor alignment saw, if there are such."""
    step = _step(texts, rows) if rows else 0
    rest = [
        text
        for row, text in enumerate(texts)
        if row >= SMOOTHING and not (step and row % step == 0 and row // step < rows)
    ]
    return aligning(rest or texts, AGREEMENT)


def made_up(vocabulary: int) -> list[list[int]]:
    """Token ids to look at the arithmetic with where no texts are given; always the same."""
    random = np.random.default_rng(0)
    lengths = random.integers(1, 65, ARITHMETIC)
    return [random.integers(5, vocabulary, length).tolist() for length in lengths]


def _step(texts: Sequence[str], rows: int) -> int:
    return max(1, len(texts) // rows)
