"""Merging more intervals than a plot can show loses no review and counts none twice."""

import itertools
from datetime import date, timedelta

import pytest

from reports.points import merge_points
from reviewlens.models import Point


def point(week, reviews, negative, stars):
    start = date(2020, 1, 6) + timedelta(weeks=week)
    shares = None
    if negative is not None:
        shares = {"negative": negative, "neutral": 0.0, "positive": 1 - negative}
    return Point(
        start=start,
        end=start + timedelta(days=6),
        reviews=reviews,
        analysed=0 if negative is None else reviews,
        not_understood=0,
        not_analysed=reviews if negative is None else 0,
        rated=0 if stars is None else reviews,
        mean_rating=stars,
        sentiment_shares=shares,
        net_sentiment=None,
        reviews_link="/reviews",
    )


def test_few_points_stay_as_they_are():
    points = [point(week, 2, 0.5, 3.0) for week in range(5)]
    assert merge_points(points, 5) == points


@pytest.mark.parametrize("weeks", [6, 7, 399, 401, 2000])
def test_many_points_become_fewer_without_losing_a_review_or_a_day(weeks):
    points = [point(week, week % 4, 0.5, 3.0) for week in range(weeks)]
    merged = merge_points(points, 5)
    assert len(merged) <= 5
    assert sum(p.reviews for p in merged) == sum(p.reviews for p in points)
    assert (merged[0].start, merged[-1].end) == (points[0].start, points[-1].end)
    gaps = {(b.start - a.end).days for a, b in itertools.pairwise(merged)}
    assert gaps <= {1}


def test_merged_points_are_weighted_by_their_reviews():
    points = [point(0, 30, 0.1, 4.0), point(1, 10, 0.9, 2.0), point(2, 5, None, None)]
    merged, rest = merge_points(points, 2)
    assert merged.sentiment_shares.negative == pytest.approx((30 * 0.1 + 10 * 0.9) / 40)
    assert merged.mean_rating == pytest.approx(3.5)
    assert merged.net_sentiment == pytest.approx(100 * (0.7 - 0.3))
    assert (rest.reviews, rest.sentiment_shares, rest.mean_rating) == (5, None, None)
