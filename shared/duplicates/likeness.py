"""How much two texts have in common."""

import re
import unicodedata
from collections.abc import Sequence

ALIKE = 0.7
"""Share of shingles in common from which on texts are near copies."""

_WORD = re.compile(r"\w+")
_SHINGLE = 3
_MOST_WORDS = 2000


def normalised(text: str) -> list[str]:
    """The words of a text without case, accents of compatibility and marks."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def likeness(one: str, other: str) -> float:
    """Share of the shingles of two texts that both have, 0..1 (Jaccard)."""
    first, second = (set(shingles(normalised(text))) for text in (one, other))
    return len(first & second) / max(1, len(first | second))


def shingles(words: Sequence[str]) -> list[str]:
    """Three words in a row, from each place on; of a shorter text all of it."""
    words = words[:_MOST_WORDS]
    return [" ".join(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1))]
