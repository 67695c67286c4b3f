"""The false discovery rate and the population stability index."""

import random

import pytest

from shared.statistics.false_discovery import q_values
from shared.statistics.stability import (
    MIN_INDEX_SHIFTED,
    MIN_INDEX_STRONGLY_SHIFTED,
    stability_index,
)


def test_q_values_are_those_of_benjamini_and_hochberg():
    p_values = [0.01, 0.02, 0.03, 0.5]
    assert q_values(p_values, 4) == pytest.approx([0.04, 0.04, 0.04, 0.5])
    assert q_values([0.04, 0.041], 2) == pytest.approx([0.041, 0.041])
    assert q_values([], 100) == []


def test_omitted_p_values_count_as_tests():
    assert q_values([0.001], 10) == pytest.approx([0.01])
    assert q_values([0.5], 10) == [1.0]


def test_few_discoveries_are_false():
    rng = random.Random(3)
    false = discoveries = 0
    for _ in range(200):
        real = [(1e-6 * rng.random(), True) for _ in range(10)]
        none = [(rng.random(), False) for _ in range(490)]
        tests = sorted((p, is_real) for p, is_real in real + none if p <= 0.05)
        corrected = q_values([p for p, _ in tests], 500)
        significant = [
            is_real for (_, is_real), q in zip(tests, corrected, strict=True) if q <= 0.05
        ]
        false += significant.count(False)
        discoveries += len(significant)
    assert false / discoveries <= 0.06
    assert discoveries >= 2000


def test_the_index_is_0_for_equal_shares_and_grows_with_the_difference():
    assert stability_index([100, 200, 700], [100, 200, 700]) == 0
    assert stability_index([1000, 2000, 7000], [10, 20, 70]) == pytest.approx(0, abs=1e-3)
    near = stability_index([100, 200, 700], [120, 200, 680])
    far = stability_index([100, 200, 700], [400, 200, 400])
    assert near < MIN_INDEX_SHIFTED < MIN_INDEX_STRONGLY_SHIFTED < far
    assert far == pytest.approx(stability_index([400, 200, 400], [100, 200, 700]))


def test_the_index_is_finite_with_an_empty_bin():
    assert 0.25 < stability_index([500, 500, 0], [0, 500, 500]) < 20


def test_200_reviews_of_the_same_distribution_are_rarely_shifted():
    rng = random.Random(5)
    weights = [1, 1, 2, 3, 5, 8, 10, 15, 15, 40]
    reference = [100 * weight for weight in weights]
    shifted = 0
    for _ in range(500):
        drawn = rng.choices(range(10), weights, k=200)
        recent = [drawn.count(place) for place in range(10)]
        shifted += stability_index(reference, recent) >= MIN_INDEX_SHIFTED
    assert shifted <= 25
