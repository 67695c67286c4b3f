"""Which words moved the decision: the text is judged again without each of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from frontend_space.answers import TextAnalysis
from frontend_space.client import MAX_BATCH

_WORD = re.compile(r"\S+")
_MAX_BODY_BYTES = 800_000
"""The API takes a megabyte."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text and its weight.

    ``weight`` is what the probability of the label loses without it (-1 to 1); None for the white
    space in between.
    """

    text: str
    weight: float | None


def weigh(
    text: str, label: str, judge: Callable[[list[str]], Sequence[TextAnalysis]]
) -> list[Piece]:
    """Weigh all words of a text, in groups where there are more than a batch has places.

    Args:
        text: what was analysed.
        label: the sentiment that it was given.
        judge: analyses up to 64 texts.

    Returns:
        Pieces that together are the text, letter by letter; none where a word alone is the text.
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    if len(spans) < 2:
        return []
    groups = _groups(spans, most=_most(text))
    if len(groups) < 2:
        return []
    variants = [text[:start] + text[end:] for start, end in groups]
    whole, *without = [getattr(found.probabilities, label) for found in judge([text, *variants])]
    pieces, at = [], 0
    for (start, end), left in zip(groups, without, strict=True):
        if start > at:
            pieces.append(Piece(text[at:start], None))
        pieces.append(Piece(text[start:end], whole - left))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:], None))
    return pieces


def _most(text: str) -> int:
    """How many variants of a text go into one request."""
    return min(MAX_BATCH - 1, max(_MAX_BODY_BYTES // (len(text.encode()) + 3) - 1, 0))


def _groups(spans: list[tuple[int, int]], *, most: int) -> list[tuple[int, int]]:
    if most < 2:
        return []
    size = -(-len(spans) // most)
    return [
        (spans[at][0], spans[min(at + size, len(spans)) - 1][1])
        for at in range(0, len(spans), size)
    ]
