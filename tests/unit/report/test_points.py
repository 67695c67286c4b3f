"""More periods than a plot can show become fewer, and no review is lost or counted twice."""

import itertools
from datetime import date, timedelta

import pytest

from reports.data import Point
from reports.points import thinned


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
        mean_rating=stars,
        sentiment_shares=shares,
    )


def test_few_points_stay_as_they_are():
    points = [point(week, 2, 0.5, 3.0) for week in range(5)]
    assert thinned(points, 5) == points


@pytest.mark.parametrize("weeks", [6, 7, 399, 401, 2000])
def test_many_points_become_fewer_without_losing_a_review_or_a_day(weeks):
    points = [point(week, week % 4, 0.5, 3.0) for week in range(weeks)]
    found = thinned(points, 5)
    assert len(found) <= 5
    assert sum(p.reviews for p in found) == sum(p.reviews for p in points)
    assert (found[0].start, found[-1].end) == (points[0].start, points[-1].end)
    gaps = {(b.start - a.end).days for a, b in itertools.pairwise(found)}
    assert gaps <= {1}


def test_what_is_merged_is_weighted_by_its_reviews():
    points = [point(0, 30, 0.1, 4.0), point(1, 10, 0.9, 2.0), point(2, 5, None, None)]
    merged, rest = thinned(points, 2)
    assert merged.sentiment_shares.negative == pytest.approx((30 * 0.1 + 10 * 0.9) / 40)
    assert merged.mean_rating == pytest.approx(3.5)
    assert merged.net_sentiment == pytest.approx(100 * (0.7 - 0.3))
    assert (rest.reviews, rest.sentiment_shares, rest.mean_rating) == (5, None, None)
