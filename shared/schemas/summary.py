"""The summary of a product in the API."""

from datetime import date
from typing import Literal

from shared.schemas.documented import Documented
from shared.schemas.fields import ProductTitle, ReviewId, ReviewsLink
from shared.schemas.insights import ChangeStatus, Fresh
from shared.schemas.quotes import Quote

MIN_SUMMARY_REVIEWS = 5
"""Analysed reviews from which on there is a summary."""

SummaryStatus = Literal["summarised", "too_few_reviews", "not_analysed", "not_understood"]
SentenceKind = Literal["overall", "praise", "complaint", "trend", "disagreement", "change"]
Counted = Literal[
    "analysed",
    "rated",
    "negative",
    "neutral",
    "positive",
    "read",
    "praise",
    "complaint",
    "mention",
    "complaint_older",
    "complaint_newer",
    "negative_before",
    "negative_since",
    "complaint_before",
    "complaint_since",
]


class SummaryCount(Documented):
    """A count of reviews that a sentence of a summary states."""

    what: Counted
    """Which reviews are counted: ``analysed`` ones, ``rated`` ones (with stars), ``read`` ones (for
    aspects), those with a sentiment, or those whose sentences praise, complain about or mention the
    ``aspect``: in the older or newer half of the reviews, or before or since the change."""
    aspect: str | None = None
    """The aspect that they praise, complain about or mention. Null if none is meant."""
    reviews: int
    """Number of such reviews."""
    of: int | None = None
    """Number of all reviews among which they were counted. Null if the sentence names no total."""
    mean_rating: float | None = None
    """Mean stars of the ``rated`` reviews, 1 to 5. Null for all other counts."""
    reviews_link: ReviewsLink


class SummarySentence(Documented):
    """A sentence of a summary, with all that proves it."""

    kind: SentenceKind
    """What the sentence is about: all reviews (``overall``), what is praised or complained about
    most, how the most common complaint developed (``trend``), who sees that differently, or since
    when the reviews have changed."""
    text: str
    """The sentence. Each number in it is in ``counts``, each quotation in ``quotes``."""
    counts: list[SummaryCount]
    """The counts that the sentence states, in its order; the first is of the reviews that it is
    about."""
    quotes: list[Quote]
    """The sentences of reviews that it quotes, word for word."""
    review_ids: list[ReviewId]
    """The reviews of the first of the ``counts``, the newest first; at most 100 of them."""


class Summary(Fresh):
    """What the reviews of a product say, in counts and quotes."""

    product_id: str
    """Id of the product as dumps write it."""
    title: ProductTitle
    status: SummaryStatus
    """``summarised``, or why there is no summary: fewer than 5 reviews (``too_few_reviews``), or
    fewer than 5 that are analysed yet (``not_analysed``) or in a language that the model knows
    (``not_understood``)."""
    text: str
    """The sentences together; without a summary, a sentence that says why."""
    sentences: list[SummarySentence]
    """Two to six sentences; empty unless ``status`` is ``summarised``."""
    reviews: int
    """Number of stored reviews of the product in the period that was asked for."""
    analysed: int
    """How many of the ``reviews`` have a sentiment; a summary takes at least 5."""
    first_day: date | None
    """First day of the reviews, in UTC: as asked for, or that of the oldest one. Null if none has a
    date."""
    last_day: date | None
    """Last day of the reviews, in UTC: as asked for, or that of the newest one. Null if none has a
    date."""
    change_status: ChangeStatus
    """What a test for a change found, as in ``GET /trends``."""
