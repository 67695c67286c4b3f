"""Figures computed from sums, and links to the reviews behind them."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from shared.db.insights.trends import TrendQueries
from shared.schemas.insights import Change, ChangeStatus, Freshness
from shared.statistics.change_points import ChangePoint


def build_figures(
    reviews: int,
    rated: int,
    rating_sum: float,
    negative: int,
    neutral: int,
    positive: int,
    not_understood: int,
) -> dict[str, Any]:
    """Compute the fields of Figures, except the link, from sums over reviews."""
    analysed = negative + neutral + positive
    return {
        "reviews": reviews,
        "analysed": analysed,
        "not_understood": not_understood,
        "not_analysed": reviews - analysed - not_understood,
        "rated": rated,
        "mean_rating": rating_sum / rated if rated else None,
        **build_sentiment(negative, neutral, positive),
    }


def build_sentiment(negative: int, neutral: int, positive: int) -> dict[str, Any]:
    """Compute ``sentiment_shares`` and ``net_sentiment``; None where nothing is analysed."""
    analysed = negative + neutral + positive
    if not analysed:
        return {"sentiment_shares": None, "net_sentiment": None}
    return {
        "sentiment_shares": {
            "negative": negative / analysed,
            "neutral": neutral / analysed,
            "positive": positive / analysed,
        },
        "net_sentiment": 100 * (positive - negative) / analysed,
    }


def reviews_link(
    *, first_day: date | None = None, last_day: date | None = None, **filters: str | None
) -> str:
    """Build the relative URL that lists reviews; filters that are None are left out."""
    parameters = {**filters, "from": first_day, "to": last_day}
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"/reviews?{query}" if query else "/reviews"


def build_change(
    point: ChangePoint, *, last_day: date | None = None, **filters: str | None
) -> Change:
    """Build a change with a link to the reviews that prove it, limited by the filters."""
    sentiment = "negative" if point.is_worse else "positive"
    return Change(
        day=point.day,
        first_seen=point.first_seen,
        direction="worse" if point.is_worse else "better",
        negative_before=point.share_before,
        negative_after=point.share_after,
        reviews_before=point.reviews_before,
        reviews_after=point.reviews_after,
        p_value=point.p_value,
        reviews_link=reviews_link(
            **filters, sentiment=sentiment, first_day=point.day, last_day=last_day
        ),
    )


def change_status(
    point: ChangePoint | None, *, reviews: int, dated: int, analysed: int
) -> ChangeStatus:
    """Say what a test for a change found, or why there was none.

    Args:
        point: the change point, None if there were too few reviews to test for one.
        reviews: number of all reviews.
        dated: number of them that have a date.
        analysed: number of them that have a date and a sentiment.
    """
    if point is not None:
        return "changed" if point.is_significant else "unchanged"
    if reviews and not dated:
        return "no_dates"
    return "not_analysed" if dated and not analysed else "too_few_reviews"


def read_change_point(row: Mapping[str, Any]) -> ChangePoint | None:
    """Read the change point of a product's row."""
    if row["change_day"] is None:
        return None
    return ChangePoint(
        day=row["change_day"],
        first_seen=row["change_seen"],
        reviews_before=row["reviews_before"],
        negative_before=row["negative_before"],
        reviews_after=row["reviews_after"],
        negative_after=row["negative_after"],
        p_value=row["p_value"],
    )


def read_freshness(trends: TrendQueries) -> Freshness:
    """Read the freshness of the figures; call it before reading them."""
    freshness = trends.freshness()
    return Freshness(**freshness._asdict())
