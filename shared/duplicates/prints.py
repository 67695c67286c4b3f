"""Prints of texts: equal for equal texts, and partly equal for texts that are alike.

Texts are alike when they share most of their shingles (three words in a row). A min-hash is a hash
that two texts share with just the probability of that share; a band is five of them taken together,
and a text has eight bands: of texts that share 0.9 of their shingles 100% have a band in common,
of 0.8 96%, of 0.5 22%. Who has one in common is compared word by word (``likeness``).
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from shared.duplicates.likeness import normalised, shingles

FEWEST_WORDS = 8
"""Of a text that counts as copied: many people write "Great product, works well"."""
FEWEST_WORDS_NEAR = 15
"""Of one that may be a near copy: a few words changed in less change all of it."""
_BANDS, _ROWS = 8, 5
_PRIME = np.uint64((1 << 31) - 1)
_RANDOM = np.random.default_rng(20_261_129)
_FACTORS = _RANDOM.integers(1, int(_PRIME), _BANDS * _ROWS, dtype=np.uint64)
_SUMMANDS = _RANDOM.integers(0, int(_PRIME), _BANDS * _ROWS, dtype=np.uint64)


class Print(NamedTuple):
    """Hash of the normalised text, and of its bands; none where it is too short for near copies."""

    fingerprint: int
    bands: tuple[int, ...]


def print_of(text: str) -> Print | None:
    """The print of a text; None where it is too short to be called a copy."""
    words = normalised(text)
    if len(words) < FEWEST_WORDS:
        return None
    fingerprint = _hash(" ".join(words).encode())
    return Print(fingerprint, _bands(words) if len(words) >= FEWEST_WORDS_NEAR else ())


def _bands(words: Sequence[str]) -> tuple[int, ...]:
    hashes = np.fromiter((crc32(each.encode()) for each in shingles(words)), np.uint64)
    smallest = _min_hashes(hashes % _PRIME)
    rows = smallest.reshape(_BANDS, _ROWS).astype("<u4")
    return tuple(_hash(bytes([number]) + row.tobytes()) for number, row in enumerate(rows))


def _min_hashes(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """uint64 (40,): the smallest of each permutation; products stay below 2^62."""
    made = (hashes[:, None] * _FACTORS + _SUMMANDS) % _PRIME
    found: npt.NDArray[np.uint64] = made.min(axis=0)
    return found


def _hash(body: bytes) -> int:
    """64 bits, signed as PostgreSQL's bigint is."""
    return int.from_bytes(blake2b(body, digest_size=8).digest(), "big", signed=True)
