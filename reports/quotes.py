"""Quotes of reviews with their source, cut where they are too long for a report."""

from reports import words
from reports.document import Quote
from reviewlens.models import Quote as AspectQuote
from reviewlens.models import StoredReview

MAX_CHARACTERS = 1200


def clip(text: str) -> str:
    """A text that fits into a report; […] marks a cut."""
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS].rstrip()} […]"


def quote(review: StoredReview | AspectQuote) -> Quote:
    """The text of a review with stars, day and id."""
    origin = []
    if review.rating is not None:
        origin.append(f"{review.rating:g} of 5 stars")
    if review.reviewed_at is not None:
        origin.append(words.day(review.reviewed_at.date()))
    if isinstance(review, StoredReview) and review.product_id:
        origin.append(f"product {review.product_id}")
    origin.append(f"review {review.review_id}")
    sentiment = review.sentiment
    return Quote(clip(review.text), ", ".join(origin), sentiment and sentiment.value)
