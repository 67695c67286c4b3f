"""Reads reviews within bounds and chooses those that a report quotes."""

from collections.abc import Callable, Sequence
from itertools import islice

from reports.data import Filters, Missing, Part, Ratings, Selected, available
from reviewlens import Client, Pages
from reviewlens.models import ReviewPage, Sentiment, StoredReview, Trend

PAGE_SIZE = 200
"""Reviews of a page: the API's maximum."""
MAX_RATINGS = 2000
"""Reviews read for the distribution of stars."""
MAX_QUOTED = 5
"""Reviews quoted of each kind."""
_MIN_CHARACTERS = 40
"""Shorter reviews come last: there is little to learn from them."""

Order = Callable[[StoredReview], tuple[float, ...]]


def ratings(client: Client, filters: Filters) -> Part[Ratings]:
    """Distribution of stars over the newest reviews."""
    newest = _newest(lambda: client.reviews(**filters, limit=PAGE_SIZE), MAX_RATINGS)
    if isinstance(newest, Missing):
        return newest
    stars = [review.rating for review in newest.reviews]
    rounded = [min(5, max(1, round(value))) for value in stars if value is not None]
    return Ratings(
        counts={number: rounded.count(number) for number in range(1, 6)},
        read=newest.read,
        unrated=stars.count(None),
        more=newest.more,
    )


def extremes(client: Client, filters: Filters, sentiment: Sentiment) -> Part[Selected]:
    """The worst or the best reviews among the newest of a sentiment."""
    order = by_worst if sentiment is Sentiment.NEGATIVE else by_best

    def request() -> Pages[ReviewPage, StoredReview]:
        return client.reviews(**filters, sentiment=sentiment, limit=PAGE_SIZE)

    return _chosen(_newest(request, PAGE_SIZE), order)


def mismatches(client: Client, filters: Filters) -> Part[Selected]:
    """Reviews whose stars, text and pictures contradict each other, the most certain first."""

    def request() -> Pages[ReviewPage, StoredReview]:
        return client.reviews(**filters, mismatch=True, limit=PAGE_SIZE)

    return _chosen(_newest(request, PAGE_SIZE), _by_confidence)


def proof(client: Client, trends: Part[Trend]) -> Part[Selected]:
    """Reviews that prove a change; none where there is no change."""
    if isinstance(trends, Missing):
        return trends
    change = trends.change
    if change is None:
        return Selected([], 0, more=False)

    def request() -> Pages[ReviewPage, StoredReview]:
        return client.linked_reviews(change.reviews_link, limit=PAGE_SIZE)

    order = by_worst if change.direction == "worse" else by_best
    return _chosen(_newest(request, PAGE_SIZE), order)


def _newest(request: Callable[[], Pages[ReviewPage, StoredReview]], limit: int) -> Part[Selected]:
    """Up to ``limit`` reviews, newest first."""

    def read() -> Selected:
        pages = list(islice(request().pages(), limit // PAGE_SIZE))
        reviews = [review for page in pages for review in page.reviews]
        return Selected(reviews, len(reviews), more=pages[-1].next_cursor is not None)

    return available(read)


def _chosen(newest: Part[Selected], order: Order) -> Part[Selected]:
    """The first reviews by an order, each text once."""
    if isinstance(newest, Missing):
        return newest
    return Selected(_first_by(newest.reviews, order), newest.read, newest.more)


def _first_by(reviews: Sequence[StoredReview], order: Order) -> list[StoredReview]:
    by_text: dict[str, StoredReview] = {}
    for review in sorted(reviews, key=order):
        by_text.setdefault(review.text, review)
    return list(by_text.values())[:MAX_QUOTED]


def by_worst(review: StoredReview) -> tuple[float, ...]:
    """Order of reviews: long enough ones, then few stars, then certain, then helpful ones."""
    return (len(review.text) < _MIN_CHARACTERS, _stars(review), *_weight(review))


def by_best(review: StoredReview) -> tuple[float, ...]:
    """Order of reviews: as ``by_worst``, with many stars first."""
    return (len(review.text) < _MIN_CHARACTERS, -_stars(review), *_weight(review))


def _by_confidence(review: StoredReview) -> tuple[float, ...]:
    return (-(review.confidence or 0.0),)


def _stars(review: StoredReview) -> float:
    return 3.0 if review.rating is None else review.rating


def _weight(review: StoredReview) -> tuple[float, float]:
    return (-(review.confidence or 0.0), -(review.helpful_votes or 0))
