"""The wire contract of insights: its answers, and the values that its parameters accept."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from pydantic import ConfigDict, Field

from shared.schemas.causes import Explanation
from shared.schemas.documented import Documented
from shared.schemas.fields import (
    NextCursor,
    ProductIdOrNone,
    ProductTitle,
    RatingOrNone,
    ReviewId,
    ReviewsLink,
    ReviewTitle,
)
from shared.schemas.review import ProductFacts
from shared.schemas.sentiment import Mismatch, Opinion, Sentiment

Interval = Literal["day", "week", "month"]
Direction = Literal["worse", "better"]
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


class Freshness(Documented):
    """How fresh figures are."""

    as_of: datetime
    """The figures contain everything that was committed before this moment (UTC)."""
    pending_reviews: int
    """Up to so many reviews are stored or analysed and not in the figures yet; 0 if all are."""
    not_analysed: int
    """How many of all stored reviews wait for their analysis. They count as ``reviews``, but have
    no sentiment yet."""


class Fresh(Documented):
    """An answer with figures."""

    freshness: Freshness
    """What the figures contain, and what they do not yet."""


class SentimentSplit(Documented):
    """One value per sentiment."""

    negative: float
    """Share of those that complain, 0 to 1."""
    neutral: float
    """Share of those that neither complain nor praise, 0 to 1."""
    positive: float
    """Share of those that praise, 0 to 1."""


class Figures(Documented):
    """Figures of a set of reviews."""

    reviews: int
    """Number of stored reviews; one that several dumps have counts once."""
    analysed: int
    """How many of the ``reviews`` have a sentiment; the shares are fractions of these."""
    not_understood: int
    """How many are processed but have no sentiment, because the model does not know their
    language. They are in no share."""
    not_analysed: int
    """How many wait for their analysis: ``reviews`` without ``analysed`` and
    ``not_understood``."""
    rated: int
    """How many have stars."""
    mean_rating: float | None
    """Mean stars of the ``rated`` reviews, 1 to 5. Null if none is rated."""
    sentiment_shares: SentimentSplit | None
    """Shares of the ``analysed`` reviews by sentiment; they sum to one. Null if none is
    analysed."""
    net_sentiment: float | None
    """100 times the positive share minus the negative one, so -100 (all complain) to 100 (all
    praise). Null if no review is analysed."""
    reviews_link: ReviewsLink


class Change(Documented):
    """The day since which more (or fewer) reviews are negative.

    It is the split of the reviews by day that explains the share of negative ones best, if it is
    significant and the shares differ by 0.05 or more.
    """

    day: date
    """First day on which the change may have begun, in UTC: the day after the last review
    before it."""
    first_seen: date
    """Day of the first review after the change, in UTC; it began on this day at the latest."""
    direction: Direction
    """``worse`` if the share of negative reviews rose, ``better`` if it fell."""
    negative_before: float
    """Share of negative reviews before the change, 0 to 1."""
    negative_after: float
    """Share of negative reviews since the change, 0 to 1."""
    reviews_before: int
    """Number of analysed reviews with a date before the change, at least 5."""
    reviews_after: int
    """Number of analysed reviews with a date since the change, at least 5."""
    p_value: float
    """How often a product that never changed shows as large a difference on any day, 0 to 1."""
    reviews_link: str
    """Path and query of ``GET /reviews`` that list the reviews that prove it: negative ones since
    ``day``, or positive ones where the product became better."""


class Product(Figures, ProductFacts):
    """A product and the figures of its reviews; days are in UTC."""

    # facts default to null, but every product has them
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    product_id: str
    """Id of the product as dumps write it."""
    title: ProductTitle
    mismatches: int
    """Number of reviews whose stars, text and pictures contradict each other: those with a
    ``mismatch`` in GET /reviews."""
    first_day: date | None
    """Day of the oldest review. Null if none has a date."""
    last_day: date | None
    """Day of the newest review. Null if none has a date."""
    change_status: ChangeStatus
    """What a test for a change found: ``changed`` or ``unchanged``; or why there was none:
    ``too_few_reviews``, ``not_analysed`` (no dated review is), ``no_dates``."""
    change: Change | None
    """The change of this product alone, significant at 0.01. Null unless ``change_status`` is
    ``changed``."""


class OneProduct(Product, Fresh):
    """One product, with the freshness of its figures."""

    explanation: Explanation | None = None
    """What explains the change. Null if there is no change, or if no review on one of its sides
    was read for aspects."""


class ProductPage(Fresh):
    """Products in the requested order."""

    products: list[Product]
    """The products that match; those without the value that they are sorted by come last."""
    next_cursor: NextCursor


class Point(Figures):
    """Figures of the reviews of one interval."""

    start: date
    """First day of the interval in UTC, or the requested ``from`` if that is later."""
    end: date
    """Last day of the interval in UTC, or the requested ``to`` if that is earlier."""


class Totals(Figures):
    """Figures of all reviews that match."""

    undated: int
    """How many of them have no date; they are in no point. 0 if ``from`` or ``to`` is given, which
    leave them out."""


class Trend(Fresh):
    """Reviews over time, without gaps."""

    interval: Interval
    """Length of each point: a ``day``, a ``week`` from Monday on, or a ``month``."""
    time_zone: Literal["UTC"] = "UTC"
    """Zone in which days begin and end; always UTC."""
    first_day: date | None = Field(alias="from")
    """The requested first day, or that of the first point. Null if there is neither."""
    last_day: date | None = Field(alias="to")
    """The requested last day, or that of the last point. Null if there is neither."""
    points: list[Point]
    """One for each interval, oldest first, also where there is no review; at most 2,000."""
    totals: Totals
    """All reviews that match, also those that are in no point of this answer."""
    change_status: ChangeStatus
    """What a test for a change in the share of negative reviews found: ``changed`` or
    ``unchanged``; or why there was none: ``too_few_reviews``, ``not_analysed`` (no dated review
    is), ``no_dates``."""
    change: Change | None
    """The largest change. Null unless ``change_status`` is ``changed``."""
    changes: list[Change] = Field(default_factory=list)
    """All changes, oldest first, at most 10: a fall and a recovery are two. Each compares the
    reviews since the change before it with those until the next one."""
    explanation: Explanation | None = None
    """What explains the largest change. Null if there is no change, or if no review on one of its
    sides was read for aspects."""
    next_cursor: str | None = None
    """Requests the following points: send it as ``cursor``, with everything else unchanged. Null
    unless links with long filters leave no space for all points in one answer."""

    model_config = ConfigDict(populate_by_name=True)


class Mover(Documented):
    """A product that changed."""

    product_id: str
    """Id of the product as dumps write it."""
    title: ProductTitle
    category: str | None
    """Category of the product in dumps. Null if none of them has one."""
    change: Change
    """When and how its reviews changed."""
    q_value: float
    """The p-value of the change, corrected for the number of products tested (Benjamini-Hochberg);
    at most 0.05, the share of false ones to expect among the movers."""


class Movers(Fresh):
    """Products that changed."""

    movers: list[Mover]
    """The most certain change first: the smallest ``q_value``, then the largest difference."""
    products_tested: int
    """Number of products (of the category, if one is given) with enough analysed, dated reviews to
    be tested."""
    next_cursor: NextCursor = None


class Segment(Figures):
    """Figures of a category or a source."""

    name: str | None
    """Name of the category or source. Null for products without a category."""
    products: int
    """Number of products with reviews in it."""


class Segments(Fresh):
    """All categories, or all sources."""

    by: SegmentKind
    """What ``name`` of a segment is: a ``category`` or a ``source``."""
    segments: list[Segment]
    """Those with the most reviews first."""
    next_cursor: NextCursor = None


class StoredReview(Documented):
    """A review and its analysis by the newest model.

    A review that the model does not understand has a language and a model version, but no
    sentiment.
    """

    model_config = ConfigDict(protected_namespaces=())

    review_id: ReviewId
    product_id: ProductIdOrNone
    source: str
    """Family of the dump that the review came from, such as ``amazon2023``; for a dump of no known
    family what its column or mapping says, or the name of the file."""
    rating: RatingOrNone
    title: ReviewTitle
    text: str
    """The text of the review after cleaning: without markup and control characters, with single
    spaces."""
    reviewed_at: datetime | None
    """When the review was written, in UTC; midnight if the dump has only a day. Null if it has no
    date."""
    verified: bool | None
    """Whether the shop confirms that the reviewer bought the product. Null if the dump does not
    say."""
    helpful_votes: int | None
    """How many readers found the review helpful. Null if the dump does not say."""
    sentiment: Sentiment | None
    """What the model says of title and text. Null before the review is processed, and if the model
    does not understand it."""
    confidence: float | None
    """Calibrated probability of ``sentiment``, 0 to 1. Null without a sentiment."""
    mixed: bool | None = None
    """Whether one sentence is surely negative and another surely positive. Null if the model
    cannot say."""
    language: str | None = None
    """Detected language, an ISO 639-1 code, or ``und`` where the text is too short to decide. Null
    before the review is processed."""
    model_version: str | None
    """Version of the model that processed the review. Null before it is processed."""
    sentiment_model: str | None = None
    """Version of the model that gave the sentiment: ``model_version``, or the second model of a
    cascade. Null without a sentiment."""
    mismatch: Mismatch | None
    """Which two of its stars, its text and its pictures contradict each other, and how: 4 stars or
    more are positive, 2 or fewer negative; the model must be sure of the text, and its fusion head
    of a picture. Null if none do, as far as is known."""
    disagrees: Opinion | None = None
    """Which of the three contradicts both others, which agree. Null unless one does."""
    pictures: int = 0
    """Number of pictures that the review names; POST /review_pictures has those that were
    fetched."""


class ReviewPage(Fresh):
    """Reviews that match all filters."""

    reviews: list[StoredReview]
    """Newest first; those without a date come last. Long texts make a page shorter than
    ``limit``."""
    next_cursor: NextCursor
