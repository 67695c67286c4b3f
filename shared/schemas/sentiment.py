"""Sentiment labels, in the order of every probability vector."""

from enum import StrEnum
from typing import Literal


class Sentiment(StrEnum):
    """The three classes, in the order of the model's logits."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


Mismatch = Literal["stars_above_text", "stars_below_text"]
MismatchFilter = Literal["true", "false", "stars_above_text", "stars_below_text"]
"""Reviews with a mismatch, without one, or with one kind of it."""
HIGH_STARS = 4
"""Stars from which on a negative text contradicts them."""
LOW_STARS = 2
"""Stars up to which a positive text contradicts them."""
LABELS: tuple[Sentiment, ...] = tuple(Sentiment)


def sentiment_of_rating(rating: float) -> Sentiment:
    """Map a star rating in 1..5 to a sentiment: below 3 negative, 3 neutral, above 3 positive."""
    if rating < 3:
        return Sentiment.NEGATIVE
    return Sentiment.POSITIVE if rating > 3 else Sentiment.NEUTRAL


def mismatch_of(
    rating: float | None, sentiment: Sentiment | None, *, sure: bool | None
) -> Mismatch | None:
    """How stars contradict a text; None if they do not, or the model is not sure of the text.

    shared/db/insights/rollup_sql.py has the same rule for stored reviews.
    """
    if rating is None or not sure:
        return None
    if rating >= HIGH_STARS and sentiment is Sentiment.NEGATIVE:
        return "stars_above_text"
    return "stars_below_text" if rating <= LOW_STARS and sentiment is Sentiment.POSITIVE else None
