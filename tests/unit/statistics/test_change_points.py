"""Changes are found at the right day, and rarely where there are none."""

import math
import random
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.statistics.change_points import (
    MAX_CHANGES,
    MAX_P_VALUE,
    MIN_REVIEWS_PER_SIDE,
    DayCount,
    find_change,
    find_changes,
)

START = date(2026, 1, 1)


def days_of(counts):
    """Convert (reviews, negative) of each day to day counts."""
    return [DayCount(START + timedelta(days=n), *count) for n, count in enumerate(counts)]


def random_days(rng, days, share, *, max_reviews=3):
    """Days with up to ``max_reviews`` reviews, negative with probability ``share(day number)``."""
    counts = []
    for n in range(days):
        reviews = rng.randrange(max_reviews + 1)
        negative = sum(rng.random() < share(n) for _ in range(reviews))
        counts.append((reviews, negative))
    return days_of(counts)


def test_a_step_is_found_on_its_day():
    change = find_change(days_of([(4, 0)] * 20 + [(4, 3)] * 10))
    assert change.day == START + timedelta(days=20)
    assert (change.reviews_before, change.negative_before) == (80, 0)
    assert (change.reviews_after, change.negative_after) == (40, 30)
    assert change.is_worse
    assert change.is_significant
    assert change.p_value < 1e-15


def test_an_improvement_is_not_reported_as_worse():
    change = find_change(days_of([(4, 3)] * 10 + [(4, 0)] * 20))
    assert not change.is_worse
    assert (change.share_before, change.share_after) == (0.75, 0.0)


def test_a_change_after_a_gap_covers_all_days_of_the_gap():
    change = find_change(days_of([(2, 0)] * 10 + [(0, 0)] * 5 + [(2, 2)] * 10))
    assert change.day == START + timedelta(days=10)
    assert change.first_seen == START + timedelta(days=15)


@pytest.mark.parametrize(
    "counts", [[], [(100, 50)], [(4, 4), (100, 0)], [(3, 0), (3, 3)], [(0, 0)] * 30]
)
def test_no_change_is_found_with_too_few_reviews_on_a_side(counts):
    assert find_change(days_of(counts)) is None


@pytest.mark.parametrize("negative", [0, 1])
def test_uniform_reviews_have_no_significant_change(negative):
    change = find_change(days_of([(1, negative)] * 100))
    assert change.p_value == 1.0
    assert not change.is_significant


def test_a_small_difference_is_not_reported_even_with_a_tiny_p_value():
    change = find_change(days_of([(10_000, 1000)] * 50 + [(10_000, 1300)] * 50))
    assert change.p_value < 1e-30
    assert not change.is_significant


def test_the_p_value_is_fishers_exact_test_times_the_number_of_splits():
    # only one split has 5 reviews on each side
    change = find_change(days_of([(5, 0), (5, 5)]))
    assert change.p_value == pytest.approx(2 / math.comb(10, 5))
    # two splits: before the second day and before the third
    change = find_change(days_of([(5, 0), (1, 0), (5, 5)]))
    assert change.p_value == pytest.approx(2 * 2 / math.comb(11, 5))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6])
def test_products_without_a_change_are_rarely_reported(share):
    rng = random.Random(7)
    significant = tested = 0
    for _ in range(1500):
        change = find_change(random_days(rng, rng.randrange(20, 120), lambda _: share))
        tested += change is not None
        significant += change is not None and change.p_value <= MAX_P_VALUE
    assert tested > 1400
    assert significant <= MAX_P_VALUE * tested


@pytest.mark.parametrize(("before", "after", "days"), [(0.06, 0.7, 60), (0.1, 0.5, 120)])
def test_planted_problems_are_found_near_their_day(before, after, days):
    rng = random.Random(11)
    changes = [
        find_change(random_days(rng, days, lambda n: before if n < days // 2 else after))
        for _ in range(200)
    ]
    reported = [change for change in changes if change.is_significant and change.is_worse]
    assert len(reported) >= 190
    errors = sorted(abs((change.day - START).days - days // 2) for change in reported)
    assert errors[len(errors) // 2] <= 2
    assert errors[int(0.9 * len(errors))] <= 10


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=40))
def test_a_change_is_at_one_of_the_days_and_its_counts_add_up(counts):
    days = days_of([(max(pair), min(pair)) for pair in counts])
    change = find_change(days)
    if change is None:
        return
    assert change.first_seen in {day.day for day in days if day.reviews}
    assert not any(day.reviews for day in days if change.day <= day.day < change.first_seen)
    assert 0 < change.p_value <= 1
    assert min(change.reviews_before, change.reviews_after) >= MIN_REVIEWS_PER_SIDE
    assert change.reviews_before + change.reviews_after == sum(day.reviews for day in days)
    assert change.negative_before + change.negative_after == sum(day.negative for day in days)


@settings(deadline=None)
@given(st.integers(10, 60), st.data())
def test_the_p_value_equals_an_exhaustive_computation(total, data):
    from shared.statistics.change_points import _two_sided_p_value

    marked = data.draw(st.integers(0, total))
    drawn = data.draw(st.integers(1, total - 1))
    low, high = max(0, drawn + marked - total), min(drawn, marked)
    hits = data.draw(st.integers(low, high))
    draws = math.comb(total, drawn)
    probabilities = {
        n: math.comb(marked, n) * math.comb(total - marked, drawn - n) / draws
        for n in range(low, high + 1)
    }
    above = hits * total > drawn * marked
    tail = sum(p for n, p in probabilities.items() if (n >= hits if above else n <= hits))
    assert _two_sided_p_value(total, marked, drawn, hits) == pytest.approx(
        min(1, 2 * tail), rel=1e-9
    )


def test_a_fall_and_a_recovery_are_two_changes():
    worse, better = find_changes(days_of([(4, 0)] * 20 + [(4, 3)] * 10 + [(4, 0), (4, 1)] * 15))
    assert (worse.day, better.day) == (START + timedelta(days=20), START + timedelta(days=30))
    assert (worse.is_worse, better.is_worse) == (True, False)
    assert (worse.share_before, worse.share_after) == (0.0, 0.75)
    assert (better.share_before, better.share_after) == (0.75, 0.125)
    assert (worse.reviews_after, better.reviews_before) == (40, 40)


def test_a_single_change_is_the_same_as_before():
    days = days_of([(4, 0)] * 20 + [(4, 3)] * 10)
    assert find_changes(days) == [find_change(days)]


def test_products_without_a_change_have_none():
    assert find_changes([]) == []
    assert find_changes(days_of([(1, 0)] * 100)) == []
    rng = random.Random(5)
    found = sum(bool(find_changes(random_days(rng, 90, lambda _: 0.2))) for _ in range(600))
    assert found <= MAX_P_VALUE * 600


def test_most_outages_of_a_product_are_found_with_their_ends():
    rng = random.Random(3)
    right = 0
    for _ in range(100):
        days = random_days(rng, 300, lambda n: 0.5 if 100 <= n < 180 else 0.05)
        numbers = [(change.day - START).days for change in find_changes(days)]
        near = len(numbers) == 2 and abs(numbers[0] - 100) <= 8 and abs(numbers[1] - 180) <= 8
        right += near
    assert right >= 90


def test_a_share_that_swings_all_the_time_has_a_bounded_number_of_changes():
    days = days_of(([(20, 0)] * 10 + [(20, 20)] * 10) * 30)
    changes = find_changes(days)
    assert 1 <= len(changes) <= MAX_CHANGES


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60))
def test_changes_are_in_order_and_compare_what_is_between_them(counts):
    days = days_of([(max(pair), min(pair)) for pair in counts])
    main, changes = find_change(days), find_changes(days)
    assert bool(changes) == (main is not None and main.is_significant)
    firsts = [START, *(change.first_seen for change in changes), date.max]
    parts = [[day for day in days if first <= day.day < last] for first, last in pairwise(firsts)]
    for change, (before, after) in zip(changes, pairwise(parts), strict=False):
        assert change.is_significant
        if len(changes) > 1:
            assert change.reviews_before == sum(day.reviews for day in before)
            assert change.negative_after == sum(day.negative for day in after)
