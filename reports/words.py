"""How a report writes numbers, days and where a quote comes from."""

from datetime import UTC, date, datetime

from reports.data import Quote as AspectQuote
from reports.data import Review, Shares
from reports.document import Quote

NONE = "\N{EN DASH}"
"""Stands where there is no figure."""


def count(value: int) -> str:
    """A whole number with separators."""
    return f"{value:,}"


def many(value: int, what: str) -> str:
    """A number of things: "1 review", "2 reviews"."""
    if value == 1:
        return f"1 {what}"
    plural = f"{what[:-1]}ies" if what.endswith("ry") else f"{what}s"
    return f"{count(value)} {plural}"


def share(value: float | None) -> str:
    """A fraction as per cent; what is not quite nothing, or not quite all, is told so."""
    if value is None:
        return NONE
    if 0 < value < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 < value < 1 else f"{value:.0%}"


def shares(value: Shares | None) -> list[str]:
    """Negative, neutral and positive."""
    if value is None:
        return [NONE] * 3
    return [share(value.negative), share(value.neutral), share(value.positive)]


def net(value: float | None) -> str:
    """A Net Sentiment with its sign."""
    if value is None:
        return NONE
    whole = round(value)
    return "0" if whole == 0 else f"{whole:+d}".replace("-", "\N{MINUS SIGN}")


def stars(value: float | None, *, digits: int = 1) -> str:
    """Stars of a mean or a review."""
    return NONE if value is None else f"{value:.{digits}f}"


def chance(value: float) -> str:
    """A p-value or q-value."""
    return "< 0.0001" if value < 0.0001 else f"= {value:.4f}"


def day(value: date | None) -> str:
    """A day for people."""
    return NONE if value is None else f"{value.day} {value:%B %Y}"


def moment(value: datetime | None) -> str:
    """A time in UTC."""
    if value is None:
        return "never"
    known = value if value.tzinfo else value.replace(tzinfo=UTC)
    known = known.astimezone(UTC)
    return f"{day(known.date())}, {known:%H:%M} UTC"


def quote(review: Review | AspectQuote) -> Quote:
    """A review's words with stars, day and id."""
    told = []
    if review.rating is not None:
        told.append(f"{review.rating:g} of 5 stars")
    if review.reviewed_at is not None:
        told.append(day(review.reviewed_at.date()))
    if isinstance(review, Review) and review.product_id:
        told.append(f"product {review.product_id}")
    told.append(f"review {review.review_id}")
    sentiment = review.sentiment
    return Quote(review.text, ", ".join(told), None if sentiment is None else sentiment.value)
