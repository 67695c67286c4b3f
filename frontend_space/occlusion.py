"""Which words decided the sentiment: the text is analysed again without each of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reviewlens.models import MAX_BATCH_TEXTS, TextAnalysis

_WORD = re.compile(r"\S+")
_MAX_BODY_BYTES = 800_000
"""The API accepts a megabyte."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text and its weight.

    ``weight`` is how much the probability of the label drops without it (-1 to 1); None for white
    space.
    """

    text: str
    weight: float | None


def weigh(
    text: str, label: str, analyze: Callable[[list[str]], Sequence[TextAnalysis]]
) -> list[Piece]:
    """Weigh all words of a text, in groups where there are more words than places in a batch.

    Args:
        text: the analysed text.
        label: its sentiment.
        analyze: analyses up to 64 texts.

    Returns:
        Pieces that together are the text, letter by letter; none for a text of one word.
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    if len(spans) < 2:
        return []
    groups = _groups(spans, count=_max_variants(text))
    if len(groups) < 2:
        return []
    variants = [text[:start] + text[end:] for start, end in groups]
    analyses = analyze([text, *variants])
    # a part of the text may be in no language that the model knows
    whole, *partial = [getattr(analysis.probabilities, label, 0.0) for analysis in analyses]
    pieces, at = [], 0
    for (start, end), probability in zip(groups, partial, strict=True):
        if start > at:
            pieces.append(Piece(text[at:start], None))
        pieces.append(Piece(text[start:end], whole - probability))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:], None))
    return pieces


def _max_variants(text: str) -> int:
    """How many variants of a text fit into one request."""
    return min(MAX_BATCH_TEXTS - 1, max(_MAX_BODY_BYTES // (len(text.encode()) + 3) - 1, 0))


def _groups(spans: list[tuple[int, int]], *, count: int) -> list[tuple[int, int]]:
    if count < 2:
        return []
    size = -(-len(spans) // count)
    return [
        (spans[at][0], spans[min(at + size, len(spans)) - 1][1])
        for at in range(0, len(spans), size)
    ]
