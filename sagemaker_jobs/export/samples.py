"""Chooses the texts for smoothing, rounding, alignment and measuring int8."""

from collections.abc import Sequence

import numpy as np

SMOOTHING_TEXTS = 256
SMOOTHING_TOKENS = 128
ROUNDING_TOKENS = (128, 32)
AGREEMENT_TEXTS = 512
SCALE_TEXTS = 400
ARITHMETIC_TEXTS = 32


def alignment_texts(texts: Sequence[str], rows: int) -> list[str]:
    """Up to ``rows`` evenly spaced texts."""
    return list(texts[:: _step(texts, rows)][:rows])


def rounding_texts(texts: Sequence[str], rows: int) -> list[str]:
    """Up to ``rows`` evenly spaced texts, different from those of the alignment."""
    return alignment_texts(texts[1:], rows) if rows else []


def held_out_texts(texts: Sequence[str], rows: int) -> list[str]:
    """Up to AGREEMENT_TEXTS texts; if possible, none of smoothing or alignment."""
    step = _step(texts, rows) if rows else 0
    unused = [
        text
        for row, text in enumerate(texts)
        if row >= SMOOTHING_TEXTS and not (step and row % step == 0 and row // step < rows)
    ]
    return alignment_texts(unused or texts, AGREEMENT_TEXTS)


def random_ids(vocabulary: int) -> list[list[int]]:
    """Reproducible random token ids, for checking the arithmetic without texts."""
    random = np.random.default_rng(0)
    lengths = random.integers(1, 65, ARITHMETIC_TEXTS)
    return [random.integers(5, vocabulary, length).tolist() for length in lengths]


def _step(texts: Sequence[str], rows: int) -> int:
    return max(1, len(texts) // rows)
