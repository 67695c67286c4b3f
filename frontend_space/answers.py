"""What the API answers, as far as the page shows it.

Lenient on purpose: an older server leaves fields out, a newer one sends more.
"""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Freshness(_Answer):
    """Up to when reviews are in the figures, and how many are not yet."""

    as_of: datetime
    pending_reviews: int = 0


class Split(_Answer):
    """One value per sentiment: probabilities, or shares of reviews."""

    negative: float = 0.0
    neutral: float = 0.0
    positive: float = 0.0


class Review(_Answer):
    """A review, found by search or stored."""

    review_id: str
    text: str = Field(validation_alias="review_text", default="")
    title: str | None = None
    product_id: str | None = None
    category: str | None = None
    sentiment: str | None = None
    rating: float | None = None
    reviewed_at: datetime | None = None
    similarity: float | None = Field(validation_alias="similarity_score", default=None)
    mismatch: str | None = None
    source: str | None = None


class Analysis(_Answer):
    """What the model says of a text."""

    sentiment: str
    confidence: float
    summary: str = ""
    similar_reviews: list[Review] = []
    probabilities: Split
    model_version: str
    index_version: str | None = None
    warnings: list[str] = []


class TextAnalysis(_Answer):
    """What it says of one text of a batch."""

    sentiment: str
    probabilities: Split


class Found(_Answer):
    """Similar reviews, best first."""

    results: list[Review]
    model_version: str = ""
    index_version: str | None = None
    warnings: list[str] = []


class Stored(_Answer):
    """A page of stored reviews."""

    reviews: list[Review]
    next_cursor: str | None = None


class Change(_Answer):
    """Since when a product is worse or better."""

    day: date
    direction: str
    negative_before: float
    negative_after: float
    reviews_before: int
    reviews_after: int
    p_value: float
    reviews_link: str = ""


class Figures(_Answer):
    """Counts of some reviews."""

    reviews: int = 0
    analysed: int = 0
    mean_rating: float | None = None
    sentiment_shares: Split | None = None
    net_sentiment: float | None = None
    reviews_link: str = ""

    @property
    def net(self) -> float | None:
        """Net sentiment, -100 to 100, also from a server that does not say it."""
        if self.net_sentiment is None and self.sentiment_shares is not None:
            return 100 * (self.sentiment_shares.positive - self.sentiment_shares.negative)
        return self.net_sentiment


class Product(Figures):
    """A product and what its reviews say."""

    product_id: str
    title: str | None = None
    category: str | None = None
    mismatches: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    change: Change | None = None
    freshness: Freshness | None = None


class Products(_Answer):
    """A page of products."""

    products: list[Product]
    next_cursor: str | None = None
    freshness: Freshness | None = None


class Point(Figures):
    """Reviews of one interval."""

    start: date
    end: date


class Trend(_Answer):
    """Reviews over time."""

    interval: str
    points: list[Point]
    totals: Figures = Figures()
    change: Change | None = None
    freshness: Freshness | None = None


class Mover(_Answer):
    """A product that changed."""

    product_id: str
    title: str | None = None
    category: str | None = None
    change: Change
    q_value: float | None = None


class Movers(_Answer):
    """The strongest changes first."""

    movers: list[Mover]
    freshness: Freshness | None = None


class Segment(Figures):
    """A category or a source; None are products without a category."""

    name: str | None = None
    products: int | None = None


class Segments(_Answer):
    """All categories, or all sources, most reviews first."""

    segments: list[Segment]
    freshness: Freshness | None = None


class Quote(_Answer):
    """A piece of a review, word for word."""

    text: str
    review_id: str = ""
    sentiment: str | None = None
    rating: float | None = None
    reviewed_at: datetime | None = None


class Aspect(_Answer):
    """Something that people talk about."""

    aspect: str
    mentions: int = 0
    reviews: int = 0
    sentiment_shares: Split | None = None
    negative_share: float | None = None
    net_sentiment: float | None = None
    quotes: list[Quote] = []


class Aspects(_Answer):
    """What people talk about, most talked of first."""

    aspects: list[Aspect]
    reviews_read: int | None = None
    freshness: Freshness | None = None


class DuplicateGroup(_Answer):
    """Reviews that say the same."""

    kind: str
    text: str
    reviews: int
    products: int | list[str] | None = None
    reviewers: int | None = None
    first_day: date | None = None
    last_day: date | None = None


class Duplicates(_Answer):
    """Groups of copied reviews."""

    groups: list[DuplicateGroup]
    next_cursor: str | None = None


class Reject(_Answer):
    """A row that was refused."""

    file: str = ""
    line: int | None = None
    record: int = 0
    reason: str = ""
    detail: str = ""
    raw: str = ""


class RejectPage(_Answer):
    """Some of them; ``next_after`` asks for the rest."""

    rejects: list[Reject]
    next_after: int | None = None


class Ingest(_Answer):
    """How far an upload is."""

    ingest_id: str
    key: str
    status: str
    format: str | None = None
    rows_read: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejects_by_reason: dict[str, int] = {}
    shards: int = 0
    shards_processed: int = 0
    warnings: list[str] = []
    error_code: str | None = None
    error_detail: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in {"processed", "failed"}


class Ingests(_Answer):
    """Ingests, newest first."""

    ingests: list[Ingest]


class UploadTarget(_Answer):
    """A form that puts one dump."""

    url: str
    fields: dict[str, str]
    key: str
    max_bytes: int


class Health(_Answer):
    """State of everything."""

    status: str
    model_version: str | None = None
    index_version: str | None = None
