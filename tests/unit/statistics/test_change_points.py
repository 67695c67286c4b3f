"""A change is found where it is, and seldom where there is none."""

import math
import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.statistics.change_points import ALPHA, MIN_SIDE, DayCount, find_change

START = date(2026, 1, 1)


def days_of(counts):
    """Days from (reviews, negative) of each."""
    return [DayCount(START + timedelta(days=n), *count) for n, count in enumerate(counts)]


def invented(chance, days, share, *, most=3):
    """Days with up to ``most`` reviews, each negative by ``share(day number)``."""
    found = []
    for n in range(days):
        reviews = chance.randrange(most + 1)
        negative = sum(chance.random() < share(n) for _ in range(reviews))
        found.append((reviews, negative))
    return days_of(found)


def test_a_step_is_found_on_its_day():
    found = find_change(days_of([(4, 0)] * 20 + [(4, 3)] * 10))
    assert found.day == START + timedelta(days=20)
    assert (found.reviews_before, found.negative_before) == (80, 0)
    assert (found.reviews_after, found.negative_after) == (40, 30)
    assert found.is_worse
    assert found.is_told
    assert found.p_value < 1e-15


def test_a_product_that_became_better_is_told_so():
    found = find_change(days_of([(4, 3)] * 10 + [(4, 0)] * 20))
    assert not found.is_worse
    assert (found.share_before, found.share_after) == (0.75, 0.0)


def test_where_nobody_wrote_for_a_while_it_may_have_begun_on_any_of_these_days():
    found = find_change(days_of([(2, 0)] * 10 + [(0, 0)] * 5 + [(2, 2)] * 10))
    assert found.day == START + timedelta(days=10)
    assert found.first_seen == START + timedelta(days=15)


@pytest.mark.parametrize(
    "counts", [[], [(100, 50)], [(4, 4), (100, 0)], [(3, 0), (3, 3)], [(0, 0)] * 30]
)
def test_too_few_reviews_on_a_side_are_no_change(counts):
    assert find_change(days_of(counts)) is None


@pytest.mark.parametrize("negative", [0, 1])
def test_where_all_are_alike_nothing_is_told(negative):
    found = find_change(days_of([(1, negative)] * 100))
    assert found.p_value == 1.0
    assert not found.is_told


def test_a_difference_that_does_not_matter_is_not_told_however_certain_it_is():
    found = find_change(days_of([(10_000, 1000)] * 50 + [(10_000, 1300)] * 50))
    assert found.p_value < 1e-30
    assert not found.is_told


def test_the_p_value_is_that_of_fishers_exact_test_times_the_places_tried():
    # one place alone can be tried here: 5 reviews are left on each side
    found = find_change(days_of([(5, 0), (5, 5)]))
    assert found.p_value == pytest.approx(2 / math.comb(10, 5))
    # two places: before the second day and before the third
    found = find_change(days_of([(5, 0), (1, 0), (5, 5)]))
    assert found.p_value == pytest.approx(2 * 2 / math.comb(11, 5))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6])
def test_products_that_never_changed_are_seldom_told(share):
    chance = random.Random(7)
    told = looked = 0
    for _ in range(1500):
        found = find_change(invented(chance, chance.randrange(20, 120), lambda _: share))
        looked += found is not None
        told += found is not None and found.p_value <= ALPHA
    assert looked > 1400
    assert told <= ALPHA * looked


@pytest.mark.parametrize(("before", "after", "days"), [(0.06, 0.7, 60), (0.1, 0.5, 120)])
def test_planted_problems_are_found_near_their_day(before, after, days):
    chance = random.Random(11)
    found = [
        find_change(invented(chance, days, lambda n: before if n < days // 2 else after))
        for _ in range(200)
    ]
    told = [each for each in found if each.is_told and each.is_worse]
    assert len(told) >= 190
    off = sorted(abs((each.day - START).days - days // 2) for each in told)
    assert off[len(off) // 2] <= 2
    assert off[int(0.9 * len(off))] <= 10


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=40))
def test_whatever_the_days_the_answer_is_one_of_them_and_counts_add_up(counts):
    days = days_of([(max(pair), min(pair)) for pair in counts])
    found = find_change(days)
    if found is None:
        return
    assert found.first_seen in {day.day for day in days if day.reviews}
    assert not any(day.reviews for day in days if found.day <= day.day < found.first_seen)
    assert 0 < found.p_value <= 1
    assert min(found.reviews_before, found.reviews_after) >= MIN_SIDE
    assert found.reviews_before + found.reviews_after == sum(day.reviews for day in days)
    assert found.negative_before + found.negative_after == sum(day.negative for day in days)


@settings(deadline=None)
@given(st.integers(10, 60), st.data())
def test_the_tail_is_that_of_all_draws_counted_one_by_one(total, data):
    from shared.statistics.change_points import _hypergeometric

    marked = data.draw(st.integers(0, total))
    drawn = data.draw(st.integers(1, total - 1))
    low, high = max(0, drawn + marked - total), min(drawn, marked)
    seen = data.draw(st.integers(low, high))
    whole = math.comb(total, drawn)
    chances = {
        n: math.comb(marked, n) * math.comb(total - marked, drawn - n) / whole
        for n in range(low, high + 1)
    }
    above = seen * total > drawn * marked
    tail = sum(p for n, p in chances.items() if (n >= seen if above else n <= seen))
    assert _hypergeometric(total, marked, drawn, seen) == pytest.approx(min(1, 2 * tail), rel=1e-9)
