"""What a report is made of: the API's answers, read tolerantly, and what they were asked for."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from shared.schemas.sentiment import Sentiment

MOST_CHARACTERS = 1200
"""Of a review's text: a report quotes, it does not keep."""


def clip(text: str) -> str:
    """A text that fits a report; where it was cut is shown."""
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS].rstrip()} […]"


def _day(value: object) -> object:
    """The UTC day of a date or of a time as the API writes it."""
    return value[:10] if isinstance(value, str) else value


Clipped = Annotated[str, AfterValidator(clip)]
Day = Annotated[date, BeforeValidator(_day)]


class _Answer(BaseModel):
    """Part of an answer; fields that came later are not in the way."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Shares(_Answer):
    """Fractions of the analysed reviews."""

    negative: float
    neutral: float
    positive: float


class Freshness(_Answer):
    """Up to when reviews are in the figures, and how many wait to be."""

    as_of: datetime | None = None
    pending_reviews: int = 0


class Change(_Answer):
    """The day since when the sentiment is another one, and how sure that is."""

    day: Day
    direction: Literal["worse", "better"]
    negative_before: float
    negative_after: float
    reviews_before: int
    reviews_after: int
    p_value: float
    reviews_link: str


class Counts(_Answer):
    """Figures of a set of reviews."""

    reviews: int
    analysed: int
    mean_rating: float | None = None
    sentiment_shares: Shares | None = None
    net_sentiment: float | None = None


class Point(Counts):
    """One day, week or month."""

    start: Day
    end: Day


class Totals(Counts):
    """The whole period; ``undated`` reviews are in no point."""

    undated: int = 0


class Trends(_Answer):
    """``GET /trends``."""

    interval: Literal["day", "week", "month"]
    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="to")
    points: list[Point]
    totals: Totals
    change: Change | None = None
    freshness: Freshness


class Mover(_Answer):
    """A product whose sentiment changed; ``q_value`` allows for how many were looked at."""

    product_id: str
    title: str | None = None
    category: str | None = None
    change: Change
    q_value: float


class Movers(_Answer):
    """``GET /movers``."""

    movers: list[Mover]


class Product(Counts):
    """One of ``GET /products``."""

    product_id: str
    title: str | None = None
    category: str | None = None
    mismatches: int | None = None


class Products(_Answer):
    """``GET /products``."""

    products: list[Product]


class Review(_Answer):
    """One of ``GET /reviews``."""

    review_id: str
    product_id: str | None = None
    source: str = ""
    rating: float | None = None
    text: Clipped
    reviewed_at: datetime | None = None
    helpful_votes: int | None = None
    sentiment: Sentiment | None = None
    confidence: float | None = None
    mismatch: Literal["stars_above_text", "stars_below_text"] | None = None


class Reviews(_Answer):
    """``GET /reviews``."""

    reviews: list[Review]
    next_cursor: str | None = None


class Quote(_Answer):
    """What a review says of an aspect, word by word."""

    text: Clipped
    review_id: str
    sentiment: Sentiment | None = None
    rating: float | None = None
    reviewed_at: datetime | None = None


class Aspect(_Answer):
    """What people praise or complain about."""

    aspect: str
    mentions: int
    reviews: int
    sentiment_shares: Shares | None = None
    negative_share: float | None = None
    net_sentiment: float | None = None
    quotes: list[Quote] = []


class Aspects(_Answer):
    """``GET /aspects``."""

    aspects: list[Aspect]
    reviews_read: int


class Segment(Counts):
    """A category or a source."""

    name: str | None
    products: int = 0


class Segments(_Answer):
    """``GET /segments``."""

    by: Literal["category", "source"]
    segments: list[Segment]


class Group(_Answer):
    """Reviews with the same, or nearly the same, text."""

    kind: Literal["exact", "near"]
    text: Clipped
    reviews: int
    products: int
    reviewers: int | None = None
    first_day: Day | None = None
    last_day: Day | None = None
    review_ids: list[str] = []


class Duplicates(_Answer):
    """``GET /duplicates``."""

    groups: list[Group]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Scope:
    """What a report is about: one product, one category, or everything; days are inclusive."""

    product_id: str | None = None
    category: str | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def subject(self) -> dict[str, str]:
        """Filters that name what it is about."""
        told = {"product_id": self.product_id, "category": self.category}
        return {name: value for name, value in told.items() if value is not None}

    @property
    def filters(self) -> dict[str, str]:
        """Filters with the period, too."""
        days = {"from": self.first_day, "to": self.last_day}
        return self.subject | {name: day.isoformat() for name, day in days.items() if day}


@dataclass(frozen=True)
class Missing:
    """A part that the server does not tell, and why; ``answered``: it did, in an unknown form."""

    reason: str
    answered: bool = False


_T = TypeVar("_T")
Part: TypeAlias = _T | Missing


@dataclass(frozen=True)
class Ratings:
    """How often each number of stars was given among the ``read`` newest reviews."""

    counts: dict[int, int]
    read: int
    unrated: int
    more: bool
    """Whether there are reviews beyond those that were read."""


@dataclass(frozen=True)
class Selected:
    """Reviews chosen out of ``read``; ``more``: there are others that were not read."""

    reviews: list[Review]
    read: int
    more: bool


@dataclass(frozen=True)
class Material:
    """All that a report tells."""

    scope: Scope
    made_at: datetime
    product: Product | None
    trends: Part[Trends]
    proof: Part[Selected]
    movers: Part[list[Mover]]
    aspects: Part[Aspects]
    ratings: Part[Ratings]
    worst: Part[Selected]
    best: Part[Selected]
    mismatches: Part[Selected]
    duplicates: Part[Duplicates]
    categories: Part[list[Segment]]
    sources: Part[list[Segment]]
    largest: Part[list[Product]]
    weakest: Part[list[Product]]
