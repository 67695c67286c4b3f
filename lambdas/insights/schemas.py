"""What insights answers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.schemas.sentiment import Sentiment


class SentimentSplit(BaseModel):
    """One value per sentiment."""

    negative: float
    neutral: float
    positive: float


class Product(BaseModel):
    """A product and what its reviews say.

    ``analysed`` of its ``reviews`` have a sentiment; ``sentiment_shares`` are fractions of those
    (None while there are none).
    """

    product_id: str
    title: str | None
    category: str | None
    reviews: int
    mean_rating: float | None
    analysed: int
    sentiment_shares: SentimentSplit | None


class ProductPage(BaseModel):
    """Products with most reviews first; ``next_cursor`` asks for the following page."""

    products: list[Product]
    next_cursor: str | None


class StoredReview(BaseModel):
    """A review and what the newest model said of it (None before it was processed)."""

    model_config = ConfigDict(protected_namespaces=())

    review_id: str
    product_id: str | None
    source: str
    rating: float | None
    title: str | None
    text: str
    reviewed_at: datetime | None
    verified: bool | None
    helpful_votes: int | None
    sentiment: Sentiment | None
    confidence: float | None
    model_version: str | None


class ReviewPage(BaseModel):
    """Reviews, newest first; ``next_cursor`` asks for the following page."""

    reviews: list[StoredReview]
    next_cursor: str | None
