"""The wire contract of insights: its answers, and the values that its parameters accept."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.review import ProductFacts
from shared.schemas.sentiment import Mismatch, Sentiment

Interval = Literal["day", "week", "month"]
Direction = Literal["worse", "better"]
Level = Literal["stable", "shifted", "strongly shifted"]
SegmentKind = Literal["category", "source"]
ChangeStatus = Literal["changed", "unchanged", "too_few_reviews", "not_analysed", "no_dates"]
NO_CHANGE: Mapping[ChangeStatus, str] = {
    "unchanged": "No clear change was found in the share of negative reviews.",
    "too_few_reviews": "There are too few analysed reviews with dates to find a change.",
    "not_analysed": "No review with a date is analysed yet, so a change cannot be found.",
    "no_dates": "None of these reviews has a date, so a change cannot be found.",
}
"""Why a change is None, in a sentence."""
ProductSort = Literal["reviews", "net_sentiment", "negative_share", "mean_rating", "mismatches"]
Order = Literal["asc", "desc"]
DEFAULT_MOVERS = 20
"""Entries of an answer where the request has no limit; the client asks for as many."""


class Freshness(BaseModel):
    """How fresh figures are.

    They contain everything that was committed before ``as_of`` (UTC). Up to ``pending_reviews``
    reviews are stored or analysed and not in them yet. ``not_analysed`` of all stored reviews are
    in the figures and wait for their analysis.
    """

    as_of: datetime
    pending_reviews: int
    not_analysed: int


class Fresh(BaseModel):
    """An answer with figures."""

    freshness: Freshness


class SentimentSplit(BaseModel):
    """One value per sentiment."""

    negative: float
    neutral: float
    positive: float


class Figures(BaseModel):
    """Figures of a set of reviews.

    ``analysed`` of the ``reviews`` have a sentiment; ``sentiment_shares`` are fractions of those,
    ``net_sentiment`` is 100 times positive minus negative (None where no review is analysed).
    ``not_understood`` others have none because the model does not know their language, and
    ``not_analysed`` wait for their analysis. ``mean_rating`` is the mean of the ``rated`` reviews.
    ``reviews_link`` lists the reviews.
    """

    reviews: int
    analysed: int
    not_understood: int
    not_analysed: int
    rated: int
    mean_rating: float | None
    sentiment_shares: SentimentSplit | None
    net_sentiment: float | None
    reviews_link: str


class Change(BaseModel):
    """The day since which more (or fewer) reviews are negative.

    The change began between ``day``, the day after the last review before it, and ``first_seen``,
    the day of the first review after it. ``p_value``: how often a product that never changed shows
    as large a difference on any day. ``reviews_link`` lists the reviews that prove it: negative
    ones since that day, or positive ones where the product became better.
    """

    day: date
    first_seen: date
    direction: Direction
    negative_before: float
    negative_after: float
    reviews_before: int
    reviews_after: int
    p_value: float
    reviews_link: str


class Product(Figures, ProductFacts):
    """A product and the figures of its reviews; days are in UTC.

    ``mismatches`` counts reviews with 4 stars or more whose text the model is sure is negative, or
    with 2 stars or fewer whose text it is sure is positive. ``change_status`` says why ``change``
    is None: see ``Trend``.
    """

    # facts default to null, but every product has them
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    product_id: str
    title: str | None
    mismatches: int
    first_day: date | None
    last_day: date | None
    change_status: ChangeStatus
    change: Change | None


class OneProduct(Product, Fresh):
    """One product."""


class ProductPage(Fresh):
    """Products in the requested order; ``next_cursor`` requests the following page."""

    products: list[Product]
    next_cursor: str | None


class Point(Figures):
    """Reviews of an interval; ``start`` and ``end`` are its first and last day."""

    start: date
    end: date


class Totals(Figures):
    """All reviews; ``undated`` of them have no date and are in no point."""

    undated: int


class Trend(Fresh):
    """Reviews over time, without gaps.

    ``from`` and ``to`` are the requested days, or those of the first and last point.

    ``change_status`` says what is known of a change in the share of negative reviews: ``changed``
    (see ``change``), ``unchanged`` (tested, none was found), or why it was not tested:
    ``too_few_reviews``, ``not_analysed`` (no dated review is analysed), ``no_dates``.

    ``next_cursor`` requests the following points, where links with long filters leave no space for
    all of them; everything else is about all points.
    """

    interval: Interval
    time_zone: Literal["UTC"] = "UTC"
    first_day: date | None = Field(alias="from")
    last_day: date | None = Field(alias="to")
    points: list[Point]
    totals: Totals
    change_status: ChangeStatus
    change: Change | None
    next_cursor: str | None = None

    model_config = ConfigDict(populate_by_name=True)


class Mover(BaseModel):
    """A product that changed; ``q_value`` is its p-value corrected for the number of products."""

    product_id: str
    title: str | None
    category: str | None
    change: Change
    q_value: float


class Movers(Fresh):
    """Products that changed, the most certain first, of ``products_tested``.

    ``next_cursor`` requests the following ones.
    """

    movers: list[Mover]
    products_tested: int
    next_cursor: str | None = None


class Segment(Figures):
    """A category or source; ``name`` is None for products without a category."""

    name: str | None
    products: int


class Segments(Fresh):
    """All categories, or all sources, most reviews first.

    ``next_cursor`` requests the following ones, where there are too many for one answer.
    """

    by: SegmentKind
    segments: list[Segment]
    next_cursor: str | None = None


class DriftReference(BaseModel):
    """The model's answers when it was evaluated; ``from`` names the rows."""

    reviews: int
    sentiment_shares: SentimentSplit
    mean_confidence: float
    origin: str = Field(alias="from")

    model_config = ConfigDict(populate_by_name=True)


class DriftRecent(BaseModel):
    """The model's answers for the reviews that arrived from one day to another."""

    first_day: date | None = Field(alias="from")
    last_day: date | None = Field(alias="to")
    reviews: int
    sentiment_shares: SentimentSplit | None
    mean_confidence: float | None

    model_config = ConfigDict(populate_by_name=True)


class DriftMeasure(BaseModel):
    """How far one distribution moved: population stability index."""

    name: Literal["sentiment", "confidence", "length"]
    psi: float
    level: Level


class DriftReport(Fresh):
    """Drift of the model's answers between its evaluation and the reviews of the newest days.

    ``measures`` is empty and ``level`` None where there is no reference or too few reviews arrived.
    """

    model_config = ConfigDict(protected_namespaces=())

    model_version: str | None
    reference: DriftReference | None
    recent: DriftRecent | None
    measures: list[DriftMeasure]
    level: Level | None


class StoredReview(BaseModel):
    """A review and its analysis by the newest model (None before it is processed).

    ``language`` is an ISO 639-1 code, or ``und`` where the text is too short to decide. A review
    that the model does not understand has a language and a model version, but no sentiment.
    ``mismatch``: its stars are above or below the sentiment of its text. ``mixed``: one of its
    sentences is surely negative and another surely positive (None: the model cannot say).
    ``sentiment_model``: the model that gave the sentiment, ``model_version`` or the second one of a
    cascade.
    """

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
    mixed: bool | None = None
    language: str | None = None
    model_version: str | None
    sentiment_model: str | None = None
    mismatch: Mismatch | None


class ReviewPage(Fresh):
    """Reviews, newest first; ``next_cursor`` requests the following page."""

    reviews: list[StoredReview]
    next_cursor: str | None
