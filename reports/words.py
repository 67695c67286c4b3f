"""Numbers, days and sources of quotes as a report writes them."""

from datetime import UTC, date, datetime

from reviewlens.models import SentimentSplit

NONE = "\N{EN DASH}"
"""Shown in place of a missing figure."""


def count(value: int) -> str:
    """A whole number with separators."""
    return f"{value:,}"


def many(value: int, noun: str) -> str:
    """A number with its noun: "1 review", "2 reviews"."""
    if value == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{count(value)} {plural}"


def share(value: float | None) -> str:
    """A fraction as a percentage; one that only rounds to 0% or 100% is shown as under or over."""
    if value is None:
        return NONE
    if 0 < value < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 < value < 1 else f"{value:.0%}"


def shares(value: SentimentSplit | None) -> list[str]:
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


def moment(value: datetime) -> str:
    """A time in UTC."""
    utc = value.astimezone(UTC)
    return f"{day(utc.date())}, {utc:%H:%M} UTC"
