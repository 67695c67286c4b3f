"""Sums as figures, and links to the reviews behind them."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from shared.db.insights.trends import Trends
from shared.schemas.insights import Change, Freshness
from shared.statistics.change_points import ChangePoint


def figures_of(
    reviews: int, rated: int, rating_sum: float, negative: int, neutral: int, positive: int
) -> dict[str, Any]:
    """Fields of Figures, but for the link, of what is summed over some reviews."""
    return {
        "reviews": reviews,
        "analysed": negative + neutral + positive,
        "mean_rating": rating_sum / rated if rated else None,
        **sentiment_of(negative, neutral, positive),
    }


def sentiment_of(negative: int, neutral: int, positive: int) -> dict[str, Any]:
    """``sentiment_shares`` and ``net_sentiment`` of counts; None where nothing is analysed."""
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
    """The relative address that lists reviews; what is None is no filter."""
    given = {**filters, "from": first_day, "to": last_day}
    asked = urlencode({name: value for name, value in given.items() if value is not None})
    return f"/reviews?{asked}" if asked else "/reviews"


def change_of(found: ChangePoint, *, last_day: date | None = None, **filters: str | None) -> Change:
    """A change point with the link to its proof, among the reviews that the filters leave."""
    sentiment = "negative" if found.is_worse else "positive"
    return Change(
        day=found.day,
        first_seen=found.first_seen,
        direction="worse" if found.is_worse else "better",
        negative_before=found.share_before,
        negative_after=found.share_after,
        reviews_before=found.reviews_before,
        reviews_after=found.reviews_after,
        p_value=found.p_value,
        reviews_link=reviews_link(
            **filters, sentiment=sentiment, first_day=found.day, last_day=last_day
        ),
    )


def change_in(row: Mapping[str, Any]) -> ChangePoint | None:
    """The change point that a product's sums hold."""
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


def freshness_of(trends: Trends) -> Freshness:
    """How fresh the figures are; to be asked before they are read."""
    found = trends.freshness()
    return Freshness(as_of=found.as_of, pending_reviews=found.pending_reviews)
