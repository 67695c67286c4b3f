"""Sentiment labels, in the order of every probability vector."""

from enum import StrEnum


class Sentiment(StrEnum):
    """The three classes, in the order of the model's logits."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


LABELS: tuple[Sentiment, ...] = tuple(Sentiment)


def sentiment_of_rating(rating: float) -> Sentiment:
    """Map a star rating in 1..5 to a sentiment: below 3 negative, 3 neutral, above 3 positive."""
    if rating < 3:
        return Sentiment.NEGATIVE
    return Sentiment.POSITIVE if rating > 3 else Sentiment.NEUTRAL
