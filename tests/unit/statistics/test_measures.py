"""Corrections for many tests, and how far distributions moved."""

import random

import pytest

from shared.statistics.false_discovery import q_values
from shared.statistics.stability import SHIFTED, STRONGLY_SHIFTED, stability_index


def test_q_values_are_those_of_benjamini_and_hochberg():
    p_values = [0.01, 0.02, 0.03, 0.5]
    assert q_values(p_values, 4) == pytest.approx([0.04, 0.04, 0.04, 0.5])
    assert q_values([0.04, 0.041], 2) == pytest.approx([0.041, 0.041])
    assert q_values([], 100) == []


def test_those_that_are_left_out_count_as_tests():
    assert q_values([0.001], 10) == pytest.approx([0.01])
    assert q_values([0.5], 10) == [1.0]


def test_of_what_is_found_few_are_false():
    chance = random.Random(3)
    false = found = 0
    for _ in range(200):
        real = [(1e-6 * chance.random(), True) for _ in range(10)]
        none = [(chance.random(), False) for _ in range(490)]
        tests = sorted((p, is_real) for p, is_real in real + none if p <= 0.05)
        corrected = q_values([p for p, _ in tests], 500)
        kept = [is_real for (_, is_real), q in zip(tests, corrected, strict=True) if q <= 0.05]
        false += kept.count(False)
        found += len(kept)
    assert false / found <= 0.06
    assert found >= 2000


def test_the_index_is_0_for_equal_shares_and_grows_with_the_distance():
    assert stability_index([100, 200, 700], [100, 200, 700]) == 0
    assert stability_index([1000, 2000, 7000], [10, 20, 70]) == pytest.approx(0, abs=1e-3)
    near = stability_index([100, 200, 700], [120, 200, 680])
    far = stability_index([100, 200, 700], [400, 200, 400])
    assert near < SHIFTED < STRONGLY_SHIFTED < far
    assert far == pytest.approx(stability_index([400, 200, 400], [100, 200, 700]))


def test_an_empty_bin_is_no_infinite_surprise():
    assert 0.25 < stability_index([500, 500, 0], [0, 500, 500]) < 20


def test_200_reviews_of_the_same_kind_are_seldom_called_shifted():
    chance = random.Random(5)
    weights = [1, 1, 2, 3, 5, 8, 10, 15, 15, 40]
    reference = [100 * weight for weight in weights]
    called = 0
    for _ in range(500):
        drawn = chance.choices(range(10), weights, k=200)
        recent = [drawn.count(place) for place in range(10)]
        called += stability_index(reference, recent) >= SHIFTED
    assert called <= 25
