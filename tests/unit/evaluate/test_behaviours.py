"""The behavioural suite on models whose answers are known."""

import json
from itertools import pairwise

import numpy as np
import pytest

from sagemaker_jobs.contrast.generate import generate
from sagemaker_jobs.evaluate.behaviours.implicit import implicit_cases
from sagemaker_jobs.evaluate.behaviours.measure import measure
from sagemaker_jobs.gate.evaluation import Figures
from shared.runtime.decisions import decide
from shared.schemas.decisions import Rule
from shared.schemas.sentiment import LABELS, Sentiment


def always(*probabilities):
    return lambda texts: decide(Rule(), [probabilities] * len(texts))


@pytest.fixture(scope="module")
def suite():
    return generate("test")


def perfect_model(suite, shifts=None):
    """Answers each row with its label; ``shifts`` moves the answers to some texts."""
    labels = {row.text: row.sentiment for row in suite} | dict(implicit_cases())

    def predict(texts):
        probabilities = np.full((len(texts), 3), 0.1, np.float32)
        for row, text in enumerate(texts):
            probabilities[row, LABELS.index(labels[text])] = 0.8
            probabilities[row, 2] += (shifts or {}).get(text, 0)
        return decide(Rule(), probabilities)

    return predict


def test_a_model_that_knows_every_label_fails_nothing(suite):
    result = measure(perfect_model(suite))["behaviours"]
    assert result.total.failed == 0
    assert {family.failed for family in result.families.values()} == {0}
    assert set(result.families) == {row.family for row in suite}
    assert (result.implicit.cases, result.implicit.accuracy, result.implicit.auc) == (120, 1, 1)


def test_a_model_that_always_says_negative_fails_what_must_be_anything_else(suite):
    result = measure(always(0.8, 0.1, 0.1))["behaviours"]
    negation = result.families["negated_negative"]
    assert negation.expected["not negative"].failed_percent == 100
    assert negation.expected["negative"].failed == 0
    assert negation.failures[0].predicted == Sentiment.NEGATIVE
    assert Sentiment.NEGATIVE not in negation.failures[0].allowed
    assert result.families["noise"].failed == 0, "the score never changes"
    assert (result.implicit.accuracy, result.implicit.auc) == (0.5, 0.5)


def test_the_gate_reads_the_figures_of_the_suite():
    result = measure(always(0.1, 0.8, 0.1))["behaviours"]
    written = json.dumps({"version": "v1", "behaviours": result.model_dump(mode="json")})
    rates = Figures.model_validate_json(written).pass_rates
    assert set(rates) == {f"suite:{name}" for name in (*result.families, "implicit_by_hand")}
    assert rates["suite:neutral_word"] == 1
    assert rates["suite:implicit_by_hand"] == 0.5


def test_a_neutral_answer_is_neither_negative_nor_positive():
    result = measure(always(0.1, 0.8, 0.1))["behaviours"]
    assert result.families["negated_negative"].expected["not negative"].failed == 0
    assert result.families["star_talk"].expected["not positive"].failed == 0
    assert result.families["negated_negative"].expected["negative"].failed_percent == 100


def test_a_score_that_moves_by_more_than_allowed_is_a_failure(suite):
    same = [row for row in suite if row.family == "identity"]
    later = [b for a, b in pairwise(same) if a.twin == b.twin]
    shifts = {later[0].text: 0.04, later[1].text: 0.2}
    family = measure(perfect_model(suite, shifts))["behaviours"].families["identity"]
    assert family.cases == len(later)
    assert family.failed == 1
    assert family.failures[0].text == later[1].text
    assert family.largest_difference == pytest.approx(0.2)
