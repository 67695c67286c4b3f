"""The wire contract of GET /aspects."""

from pydantic import Field

from shared.schemas.documented import Documented
from shared.schemas.fields import NextCursor, ReviewsLink
from shared.schemas.impact import Compared, Impact
from shared.schemas.insights import Freshness, SentimentSplit
from shared.schemas.quotes import Quote

DEFAULT_ASPECTS = 20
"""Entries of an answer where the request has no limit; the client asks for as many."""


class Aspect(Documented):
    """A subject that reviews mention."""

    aspect: str
    """The subject as one or several words in lower case, such as ``battery life``."""
    mentions: int
    """Number of sentences and clauses that mention it."""
    reviews: int
    """Number of reviews that mention it; the aspects are ordered by it."""
    sentiment_shares: SentimentSplit
    """Shares of the ``mentions`` by sentiment; they sum to one."""
    negative_share: float
    """The negative one of ``sentiment_shares``, to sort by."""
    net_sentiment: float
    """100 times the positive share of the ``mentions`` minus the negative one, -100 to 100."""
    category_mentions: int = 0
    """Number of sentences and clauses about it in reviews of the other products of the category;
    0 unless the aspects are those of a product."""
    category_negative_share: float | None = None
    """Share of the ``category_mentions`` that is negative, to compare with ``negative_share``. Null
    if there are none."""
    impact: Impact | None = None
    """What the aspect costs in stars. Null unless ``impact=true`` was asked for, and for aspects
    beyond the 100 that most reviews mention."""
    quotes: list[Quote]
    """Up to three negative sentences, then up to three positive ones, of each the most certain
    first; none twice."""
    reviews_link: ReviewsLink


class AspectList(Documented):
    """What reviews praise and complain about."""

    aspects: list[Aspect]
    """The aspects that most reviews mention first. Parts of a longer phrase that as many reviews
    have, and for a product its own name, are left out."""
    compared: Compared | None = None
    """The reviews that impacts are computed from. Null unless ``impact=true`` was asked for."""
    reviews_read: int
    """Number of reviews that were read for aspects, in the product or category that was asked
    for. Aspects are found in English texts only."""
    freshness: Freshness
    """What the aspects contain, and what they do not yet."""
    next_cursor: NextCursor = None
    warnings: list[str] = Field(default_factory=list)
    """Say how many stored reviews are missing, as after an upgrade or with a new model. Empty if
    none are."""
