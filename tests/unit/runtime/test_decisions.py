"""Labels are decided by the rule for the kind of a text; its probabilities stay as they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shared.runtime.decisions import calibrate, choose, decide, decide_each, uncalibrate
from shared.runtime.probabilities import softmax
from shared.schemas.decisions import Decisions, Kind, Rule

ROWS = st.tuples(st.integers(1, 20), st.just(3))
LOGITS = arrays(np.float32, ROWS, elements=st.floats(-8, 8, width=32))
RULES = st.builds(
    Rule,
    neutral_factor=st.floats(0.1, 9),
    temperature=st.floats(0.3, 4),
    negative_bias=st.floats(-2, 2),
    neutral_bias=st.floats(-2, 2),
    sure_above=st.none() | st.floats(0, 1),
)


@given(LOGITS, RULES)
def test_a_decision_changes_no_probability(logits, rule):
    probabilities = softmax(logits)
    before = probabilities.copy()
    plain = {"temperature": 1.0, "negative_bias": 0.0, "neutral_bias": 0.0}
    decided = decide(rule.model_copy(update=plain), probabilities)
    np.testing.assert_array_equal(decided.probabilities, before)
    np.testing.assert_array_equal(probabilities, before)
    rows = np.arange(len(before))
    np.testing.assert_array_equal(decided.confidences, before[rows, decided.labels])


@given(LOGITS, RULES)
def test_a_temperature_divides_the_logits_and_biases_are_added(logits, rule):
    decided = decide(rule, softmax(logits))
    scaled = logits.astype(np.float64) / rule.temperature + [
        rule.negative_bias,
        rule.neutral_bias,
        0,
    ]
    expected = softmax(scaled)
    np.testing.assert_allclose(decided.probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(decided.probabilities.sum(1), 1, atol=1e-5)


@given(LOGITS.filter(lambda logits: np.abs(logits).max() < 4), RULES)
def test_the_probabilities_of_a_model_follow_from_those_that_are_reported(logits, rule):
    probabilities = softmax(logits)
    reported = calibrate(probabilities, rule)
    np.testing.assert_allclose(uncalibrate(reported, rule), probabilities, atol=1e-4)


@given(LOGITS, RULES)
def test_a_factor_moves_labels_to_or_from_neutral_alone(logits, rule):
    probabilities = softmax(logits)
    plain, chosen = probabilities.argmax(-1), choose(probabilities, rule.neutral_factor)
    changed = plain != chosen
    neutral = (chosen if rule.neutral_factor > 1 else plain)[changed]
    assert (neutral == 1).all()


def test_neutral_needs_less_than_the_highest_probability():
    rows = [[0.6, 0.3, 0.1], [0.7, 0.2, 0.1]]
    decided = decide(Rule(neutral_factor=2.6, sure_above=0.65), rows)
    assert decided.sentiments == ["neutral", "negative"]
    assert decided.confidences == pytest.approx([0.3, 0.7])
    assert decided.sure.tolist() == [False, True]


def test_without_rules_the_most_probable_label_is_chosen():
    rows = [[0.2, 0.09, 0.71], [0.4, 0.5, 0.1]]
    decided = decide_each(Decisions(), [Kind.REVIEW, Kind.SENTENCE], rows)
    assert decided.sentiments == ["positive", "neutral"]
    assert decided.sure.tolist() == [True, False]


def test_a_model_is_never_sure_if_no_threshold_is_good_enough():
    assert not decide(Rule(sure_above=None), [[0.0, 0.0, 1.0]]).sure.any()


def test_each_kind_has_its_own_rule():
    decisions = Decisions(review=Rule(neutral_factor=3), sentence=Rule(temperature=2))
    row = [0.6, 0.3, 0.1]
    decided = decide_each(decisions, [Kind.REVIEW, Kind.SENTENCE], [row, row])
    assert decided.sentiments == ["neutral", "negative"]
    assert decided.probabilities[0] == pytest.approx(row)
    assert decided.probabilities[1] == pytest.approx(
        calibrate(np.asarray([row], np.float32), Rule(temperature=2))[0]
    )


def test_no_texts_have_no_labels():
    assert decide_each(Decisions(), [], np.empty((0, 3), np.float32)).sentiments == []
