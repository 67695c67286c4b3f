"""Effects are those of the features, shrunk where few rows have them."""

import random

import pytest

from lambdas.insights.ridge import effects
from shared.statistics.hypergeometric import tail


def planted(rows, seed=1):
    """Rows with three features of effects -2, +0.5 and 0, which often come together."""
    numbers = random.Random(seed)
    features, outcomes = [], []
    for _ in range(rows):
        has = [number for number, share in enumerate((0.3, 0.4, 0.1)) if numbers.random() < share]
        if 0 in has and numbers.random() < 0.7:
            has = sorted({*has, 2})
        features.append(has)
        effect = -2 * (0 in has) + 0.5 * (1 in has)
        outcomes.append(4 + effect + numbers.gauss(0, 0.5))
    return features, outcomes


def test_effects_are_separated_where_features_come_together():
    found = effects(*planted(4000), 3)
    for effect, true in zip(found, (-2, 0.5, 0), strict=True):
        assert effect.value == pytest.approx(true, abs=0.1)
        assert effect.low < effect.value < effect.high
        assert effect.high - effect.low < 0.25


def test_intervals_contain_the_truth_nineteen_times_of_twenty():
    inside = 0
    for seed in range(100):
        first = effects(*planted(400, seed), 3)[0]
        inside += first.low <= -2 <= first.high
    assert inside >= 88


def test_few_rows_are_shrunk_and_wide():
    few = effects([[0], [], [], [], []], [1.0, 5, 5, 4, 5], 1)[0]
    many = effects([[0], [], [], [], []] * 100, [1.0, 5, 5, 4, 5] * 100, 1)[0]
    assert -3.75 < many.value < few.value < 0
    assert few.high - few.low > 5 * (many.high - many.low)


def test_without_rows_or_with_equal_outcomes_there_is_no_effect():
    assert [effect.value for effect in effects([], [], 2)] == [0, 0]
    same = effects([[0], [1], []], [3.0, 3, 3], 2)
    assert [effect.value for effect in same] == pytest.approx([0, 0], abs=1e-9)
    assert effects([[], []], [3.0, 4], 1)[0].value == 0


@pytest.mark.parametrize(
    ("table", "expected"),
    [((3, 1, 1, 3), 17 / 70), ((1, 3, 3, 1), 17 / 70), ((5, 0, 0, 5), 1 / 252)],
)
def test_the_tail_is_that_of_fishers_exact_test(table, expected):
    hits, misses, other_hits, _ = table
    total, marked = sum(table), hits + other_hits
    assert tail(total, marked, hits + misses, hits) == pytest.approx(expected)
