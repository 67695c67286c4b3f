"""Limits a query to whole days with a bounded number of reviews."""

from collections.abc import Iterable, Sequence
from datetime import date

from shared.db.insights.reviews import ReviewFilters
from shared.db.insights.trends import DaySums, TrendFilters


def last_that_fits(days: Iterable[DaySums], max_reviews: int) -> date | None:
    """The last day that can be read before the total exceeds ``max_reviews``.

    Args:
        days: with reviews, each with a date, in the order in which they are read.
        max_reviews: the limit; the first day fits in any case.

    Returns:
        None if there are no days.
    """
    last, reviews = None, 0
    for row in days:
        reviews += row.reviews
        if last is not None and reviews > max_reviews:
            break
        last = row.day
    return last


def newest_that_fit(
    filters: TrendFilters, days: Sequence[DaySums], max_reviews: int
) -> ReviewFilters:
    """The reviews that match filters: all, or those of the newest whole days that fit.

    Args:
        filters: which reviews.
        days: their sums by day, in order; those without a date come first.
        max_reviews: how many fit.
    """
    first_day = filters.first_day
    if sum(row.reviews for row in days) > max_reviews:
        dated = [row for row in days if row.day is not None]
        first_day = last_that_fits(reversed(dated), max_reviews) or first_day
    return ReviewFilters(
        product_id=filters.product_id,
        category=filters.category,
        source=filters.source,
        first_day=first_day,
        last_day=filters.last_day,
    )
