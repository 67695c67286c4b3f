"""One sentence that the evidence carries: how strong the feeling is, and who else has it."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from shared.schemas.sentiment import LABELS, Sentiment

SIMILAR_FROM = 0.4
"""Cosine from which a review counts as one about the same thing."""
_ENOUGH = 3
_ONE = ("disagrees", "agrees")
_STRENGTHS = ((0.95, "Strongly {}"), (0.80, "Clearly {}"), (0.60, "Mildly {}"))
_NEUTRAL_FROM = 0.60


class Neighbour(NamedTuple):
    """A review near the text: its sentiment and its cosine similarity."""

    sentiment: Sentiment
    similarity: float


def summarise(
    sentiment: Sentiment, confidence: float, neighbours: Sequence[Neighbour] | None
) -> str:
    """Say what was found.

    Args:
        sentiment: Of the text.
        confidence: Its calibrated probability.
        neighbours: The nearest reviews; None when there is no index to look in.
    """
    return f"{_strength(sentiment, confidence)}, {_agreement(sentiment, neighbours)}."


def _strength(sentiment: Sentiment, confidence: float) -> str:
    if sentiment is Sentiment.NEUTRAL:
        return "Neutral" if confidence >= _NEUTRAL_FROM else "Mixed without a clear direction"
    for least, words in _STRENGTHS:
        if confidence >= least:
            return words.format(sentiment.value)
    return f"Mixed but leaning {sentiment.value}"


def _agreement(sentiment: Sentiment, neighbours: Sequence[Neighbour] | None) -> str:
    if neighbours is None:
        return "with no reviews to compare with yet"
    related = [entry.sentiment for entry in neighbours if entry.similarity >= SIMILAR_FROM]
    if not related:
        return "with no closely related reviews to compare with"
    agreeing = sum(kind is sentiment for kind in related)
    if len(related) < _ENOUGH:
        return _of_few(len(related), agreeing)
    share = agreeing / len(related)
    if share >= 0.9:
        return "with overwhelmingly similar opinions from related reviews"
    if share >= 0.7:
        return "with mostly similar opinions from related reviews"
    if share >= 0.4:
        return "while related reviews are divided"
    return f"although related reviews are mostly {_most(related)}"


def _of_few(count: int, agreeing: int) -> str:
    if count == 1:
        return f"{'and' if agreeing else 'but'} the only related review {_ONE[bool(agreeing)]}"
    if agreeing == count:
        return "and the only two related reviews agree"
    if agreeing == 0:
        return "but the only two related reviews disagree"
    return "while the only two related reviews are divided"


def _most(related: Sequence[Sentiment]) -> str:
    counts = Counter(related)
    return max(LABELS, key=lambda label: counts[label]).value
