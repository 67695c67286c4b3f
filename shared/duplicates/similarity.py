"""Similarity of two texts."""

import re
import unicodedata
from collections.abc import Sequence

from shared.schemas.text import excess_of_marks, without_marks

MIN_NEAR_COPY_SIMILARITY = 0.7
"""Share of common shingles above which texts are near copies."""

_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 3
_MAX_WORDS = 2000


def normalised_words(text: str) -> list[str]:
    """The words of a text after NFKC normalisation and case folding, without punctuation."""
    if excess_of_marks(text):  # stored by a release that accepted such texts
        text = without_marks(text)
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def similarity(one: str, other: str) -> float:
    """Share of the shingles that two texts have in common, 0..1 (Jaccard)."""
    first, second = (set(shingles(normalised_words(text))) for text in (one, other))
    return len(first & second) / max(1, len(first | second))


def shingles(words: Sequence[str]) -> list[str]:
    """All runs of three words; of a shorter text, the whole text."""
    words = words[:_MAX_WORDS]
    count = max(1, len(words) - _SHINGLE_WORDS + 1)
    return [" ".join(words[at : at + _SHINGLE_WORDS]) for at in range(count)]
