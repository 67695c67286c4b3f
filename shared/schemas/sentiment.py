"""Sentiment labels, in the order of every probability vector."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, cast


class Sentiment(StrEnum):
    """The three classes, in the order of the model's logits."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


Mismatch = Literal[
    "stars_above_text", "stars_below_text", "picture_above_text", "picture_below_text",
    "stars_above_picture", "stars_below_picture",
]  # fmt: skip
"""Which two opinions contradict each other."""
Opinion = Literal["stars", "text", "picture"]
"""Who may disagree."""
MismatchFilter = Literal["true", "false", Mismatch, Opinion]
"""Reviews with a mismatch, without one, with one kind of it, or where one is against two others."""
Side = Literal[Sentiment.NEGATIVE, Sentiment.POSITIVE]
"""A clear opinion."""
HIGH_STARS = 4
"""Stars from which on a negative text contradicts them."""
LOW_STARS = 2
"""Stars up to which a positive text contradicts them."""
_PAIRS: tuple[tuple[Opinion, Opinion], ...] = (
    ("stars", "text"), ("picture", "text"), ("stars", "picture"),
)  # fmt: skip
LABELS: tuple[Sentiment, ...] = tuple(Sentiment)


def sentiment_of_rating(rating: float) -> Sentiment:
    """Map a star rating in 1..5 to a sentiment: below 3 negative, 3 neutral, above 3 positive."""
    if rating < 3:
        return Sentiment.NEGATIVE
    return Sentiment.POSITIVE if rating > 3 else Sentiment.NEUTRAL


def disagreement(
    rating: float | None, text: Sentiment | None, picture: Sentiment | None
) -> tuple[Mismatch | None, Opinion | None]:
    """Which two of three opinions contradict each other, and which one contradicts both others.

    shared/db/insights/rollup_sql.py has the same rule for stored reviews.

    Args:
        rating: the stars, if there are any.
        text: the sentiment of the text; None if the model is not sure.
        picture: the same of the picture.
    """
    stars = None if rating is None else _of_clear_stars(rating)
    opinions: dict[Opinion, Sentiment | None] = {"stars": stars, "text": text, "picture": picture}
    clear = {who: said for who, said in opinions.items() if said not in {None, Sentiment.NEUTRAL}}
    mismatches = (pair for pair in _PAIRS if _contradict(clear, *pair))
    first, second = next(mismatches, (None, None))
    if first is None:
        return None, None
    side = "above" if clear[first] is Sentiment.POSITIVE else "below"
    mismatch = cast("Mismatch", f"{first}_{side}_{second}")
    said = list(clear.values())
    alone = next((who for who, each in clear.items() if said.count(each) == 1), None)
    return mismatch, alone if len(clear) > 2 else None


def _of_clear_stars(rating: float) -> Sentiment | None:
    if rating >= HIGH_STARS:
        return Sentiment.POSITIVE
    return Sentiment.NEGATIVE if rating <= LOW_STARS else None


def _contradict(
    opinions: Mapping[Opinion, Sentiment | None], first: Opinion, second: Opinion
) -> bool:
    both = first in opinions and second in opinions
    return both and opinions[first] is not opinions[second]
