"""A summary sentence: the strength of the sentiment, and whether related reviews agree."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from shared.schemas.sentiment import LABELS, Sentiment

MIN_RELATED_SIMILARITY = 0.4
"""Cosine similarity from which a review counts as related."""
_MIN_RELATED_FOR_SHARE = 3
"""Fewer related reviews are counted one by one."""
_STRENGTHS = ((0.95, "Strongly {}"), (0.80, "Clearly {}"), (0.60, "Mildly {}"))
NO_SENTIMENT = "No sentiment: the model does not understand this text."
_MIN_NEUTRAL_CONFIDENCE = 0.60


class Neighbour(NamedTuple):
    """A review near the text: its sentiment and its cosine similarity."""

    sentiment: Sentiment
    similarity: float


def summarise(
    sentiment: Sentiment | None,
    confidence: float | None,
    neighbours: Sequence[Neighbour] | None,
) -> str:
    """Write the summary sentence.

    Args:
        sentiment: of the text; None if the model does not understand it.
        confidence: calibrated probability of the sentiment.
        neighbours: the nearest reviews; None if there is no index.
    """
    if sentiment is None or confidence is None:
        return NO_SENTIMENT
    return f"{_strength(sentiment, confidence)}, {_agreement(sentiment, neighbours)}."


def _strength(sentiment: Sentiment, confidence: float) -> str:
    if sentiment is Sentiment.NEUTRAL:
        return (
            "Neutral"
            if confidence >= _MIN_NEUTRAL_CONFIDENCE
            else "Mixed without a clear direction"
        )
    for min_confidence, template in _STRENGTHS:
        if confidence >= min_confidence:
            return template.format(sentiment.value)
    return f"Mixed but leaning {sentiment.value}"


def _agreement(sentiment: Sentiment, neighbours: Sequence[Neighbour] | None) -> str:
    if neighbours is None:
        return "with no reviews to compare with yet"
    related = [
        entry.sentiment for entry in neighbours if entry.similarity >= MIN_RELATED_SIMILARITY
    ]
    if not related:
        return "with no closely related reviews to compare with"
    agreeing = sum(each is sentiment for each in related)
    if len(related) < _MIN_RELATED_FOR_SHARE:
        return _agreement_of_few(len(related), agreeing)
    share = agreeing / len(related)
    if share >= 0.9:
        return "with overwhelmingly similar opinions from related reviews"
    if share >= 0.7:
        return "with mostly similar opinions from related reviews"
    if share >= 0.4:
        return "while related reviews are divided"
    return f"although related reviews are mostly {_most_common(related)}"


def _agreement_of_few(count: int, agreeing: int) -> str:
    if count == 1:
        verb = "agrees" if agreeing else "disagrees"
        return f"{'and' if agreeing else 'but'} the only related review {verb}"
    if agreeing == count:
        return "and the only two related reviews agree"
    if agreeing == 0:
        return "but the only two related reviews disagree"
    return "while the only two related reviews are divided"


def _most_common(related: Sequence[Sentiment]) -> str:
    counts = Counter(related)
    return max(LABELS, key=lambda label: counts[label]).value
