"""The wire contract of GET /aspects."""

from datetime import datetime

from pydantic import BaseModel, Field

from shared.schemas.insights import Freshness, SentimentSplit
from shared.schemas.sentiment import Sentiment

DEFAULT_ASPECTS = 20
"""Entries of an answer where the request has no limit; the client asks for as many."""


class Quote(BaseModel):
    """A sentence of a review, word for word, and its sentiment."""

    text: str
    review_id: str
    sentiment: Sentiment
    rating: float | None
    reviewed_at: datetime | None


class Aspect(BaseModel):
    """A subject that reviews mention.

    ``reviews`` mention it, in ``mentions`` sentences; ``sentiment_shares`` are fractions of those
    sentences, ``net_sentiment`` is 100 times positive minus negative. ``quotes``: negative ones
    first, the most certain first. ``reviews_link`` lists the reviews.
    """

    aspect: str
    mentions: int
    reviews: int
    sentiment_shares: SentimentSplit
    negative_share: float
    net_sentiment: float
    quotes: list[Quote]
    reviews_link: str


class AspectList(BaseModel):
    """Aspects of ``reviews_read`` reviews, the most mentioned first.

    ``next_cursor`` requests the following ones.
    ``warnings`` say that stored reviews are missing, as after an upgrade or with a new model.
    """

    aspects: list[Aspect]
    reviews_read: int
    freshness: Freshness
    next_cursor: str | None = None
    warnings: list[str] = Field(default_factory=list)
