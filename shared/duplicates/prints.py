"""Prints of texts: equal for equal texts, partly equal for similar texts.

Texts are similar if they share most of their shingles (runs of three words). The probability that
two texts have the same min-hash equals the share of shingles that they share. A band combines five
min-hashes, and a text has eight bands: of the texts that share 0.9 of their shingles, 100% have a
common band; at 0.8, 96%; at 0.5, 22%. Texts with a common band are then compared (``similarity``).
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from shared.duplicates.similarity import normalised_words, shingles

MIN_COPY_WORDS = 8
"""Shorter texts are not copies: many people write "Great product, works well"."""
MIN_NEAR_COPY_WORDS = 15
"""Shorter texts are not near copies: a few changed words change most of their shingles."""
_BANDS, _HASHES_PER_BAND = 8, 5
_PRIME = np.uint64((1 << 31) - 1)
_RANDOM = np.random.default_rng(20_261_129)
_FACTORS = _RANDOM.integers(1, int(_PRIME), _BANDS * _HASHES_PER_BAND, dtype=np.uint64)
_SUMMANDS = _RANDOM.integers(0, int(_PRIME), _BANDS * _HASHES_PER_BAND, dtype=np.uint64)


class TextPrint(NamedTuple):
    """Hash of the normalised text, and its bands; a text too short for near copies has none."""

    fingerprint: int
    bands: tuple[int, ...]


def text_print(text: str) -> TextPrint | None:
    """Compute the print of a text; None if it is too short to be a copy."""
    words = normalised_words(text)
    if len(words) < MIN_COPY_WORDS:
        return None
    fingerprint = _hash(" ".join(words).encode())
    return TextPrint(fingerprint, _bands(words) if len(words) >= MIN_NEAR_COPY_WORDS else ())


def _bands(words: Sequence[str]) -> tuple[int, ...]:
    hashes = np.fromiter((crc32(shingle.encode()) for shingle in shingles(words)), np.uint64)
    minima = _min_hashes(hashes % _PRIME)
    rows = minima.reshape(_BANDS, _HASHES_PER_BAND).astype("<u4")
    return tuple(_hash(bytes([number]) + row.tobytes()) for number, row in enumerate(rows))


def _min_hashes(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """uint64 (40,): the minimum of each permutation; products stay below 2^62."""
    permuted = (hashes[:, None] * _FACTORS + _SUMMANDS) % _PRIME
    minima: npt.NDArray[np.uint64] = permuted.min(axis=0)
    return minima


def _hash(body: bytes) -> int:
    """64-bit hash, signed like PostgreSQL's bigint."""
    return int.from_bytes(blake2b(body, digest_size=8).digest(), "big", signed=True)
