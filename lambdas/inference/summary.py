"""A summary sentence: the strength of the sentiment, and how many related reviews agree."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.schemas.sentiment import Sentiment

MIN_RELATED_SIMILARITY = 0.4
"""Cosine similarity from which a review counts as related."""
_STRENGTHS = ((0.95, "Strongly {}"), (0.80, "Clearly {}"), (0.60, "Mildly {}"))
NO_SENTIMENT = "No sentiment: the model does not understand this text."
NO_TEXT = "No sentiment: there is no text."
_MIN_NEUTRAL_CONFIDENCE = 0.60


class Neighbour(NamedTuple):
    """A review near the text: its sentiment and its cosine similarity."""

    sentiment: Sentiment
    similarity: float


def summarise(
    sentiment: Sentiment | None,
    confidence: float | None,
    neighbours: Sequence[Neighbour] | None,
    *,
    has_text: bool = True,
) -> str:
    """Write the summary sentence.

    Args:
        sentiment: of the text; None if the model does not understand it.
        confidence: calibrated probability of the sentiment.
        neighbours: the similar reviews of the answer; None if there is no index.
        has_text: whether there is a text.
    """
    if sentiment is None or confidence is None:
        return NO_SENTIMENT if has_text else NO_TEXT
    return f"{_strength(sentiment, confidence)}, {_agreement(sentiment, neighbours)}."


def _strength(sentiment: Sentiment, confidence: float) -> str:
    if sentiment is Sentiment.NEUTRAL:
        is_clear = confidence >= _MIN_NEUTRAL_CONFIDENCE
        return "Neutral" if is_clear else "Without a clear direction"
    for min_confidence, template in _STRENGTHS:
        if confidence >= min_confidence:
            return template.format(sentiment.value)
    return f"Not clear but leaning {sentiment.value}"


def _agreement(sentiment: Sentiment, neighbours: Sequence[Neighbour] | None) -> str:
    if neighbours is None:
        return "with no reviews to compare with yet"
    related = [
        entry.sentiment for entry in neighbours if entry.similarity >= MIN_RELATED_SIMILARITY
    ]
    if not related:
        return f"with no related reviews (at least {MIN_RELATED_SIMILARITY:.0%} similar)"
    agreeing = sum(each is sentiment for each in related)
    if len(related) == 1:
        return f"{'and' if agreeing else 'but'} the one related review is {related[0].value}"
    if agreeing == len(related):
        everyone = "both" if agreeing == 2 else f"all {agreeing}"
        return f"and {everyone} related reviews are {sentiment.value}"
    joint = "and" if agreeing * 2 > len(related) else "but"
    count = agreeing or "none"
    verb = "is" if agreeing <= 1 else "are"
    return f"{joint} {count} of {len(related)} related reviews {verb} {sentiment.value}"
