"""Sentences of reviews, word for word."""

from datetime import datetime

from shared.schemas.documented import Documented
from shared.schemas.fields import RatingOrNone, ReviewId
from shared.schemas.sentiment import Sentiment


class Quote(Documented):
    """A sentence of a review, word for word, and its sentiment."""

    text: str
    """The sentence or clause that mentions the aspect, exactly as the review has it."""
    review_id: ReviewId
    sentiment: Sentiment
    """What the model says of this sentence."""
    rating: RatingOrNone
    reviewed_at: datetime | None
    """When the review was written, in UTC. Null if it has no date."""
