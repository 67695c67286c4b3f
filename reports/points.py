"""Periods of a trend, fewer where there are more than a plot can show."""

from collections.abc import Sequence
from typing import Any

from reports.data import Point


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many points: neighbours become one, each weighted by its reviews."""
    step = -(-len(points) // most)
    if step <= 1:
        return list(points)
    return [_merged(points[place : place + step]) for place in range(0, len(points), step)]


def _merged(points: Sequence[Point]) -> Point:
    analysed = [p for p in points if p.sentiment_shares and p.analysed]
    rated = [p for p in points if p.mean_rating is not None and p.reviews]
    shares: dict[str, float] | None = None
    if whole := sum(p.analysed for p in analysed):
        shares = {
            name: sum(getattr(p.sentiment_shares, name) * p.analysed for p in analysed) / whole
            for name in ("negative", "neutral", "positive")
        }
    told: dict[str, Any] = {
        "start": points[0].start,
        "end": points[-1].end,
        "reviews": sum(p.reviews for p in points),
        "analysed": sum(p.analysed for p in points),
        "sentiment_shares": shares,
        "net_sentiment": shares and 100 * (shares["positive"] - shares["negative"]),
    }
    if rated:
        weight = sum(p.reviews for p in rated)
        told["mean_rating"] = sum((p.mean_rating or 0) * p.reviews for p in rated) / weight
    return Point(**told)
