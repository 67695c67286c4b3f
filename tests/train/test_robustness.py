"""Robustness: reproducible noise, and behavioural cases with their allowed labels."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_jobs.evaluate.robustness.behaviour import cases
from sagemaker_jobs.evaluate.robustness.measure import behaviour, noises
from sagemaker_jobs.evaluate.robustness.perturbations import PERTURBATIONS
from shared.runtime.decisions import decide
from shared.schemas.decisions import Rule
from shared.schemas.sentiment import LABELS

REVIEW = (
    "I really wanted to like this kettle, but the handle isn't comfortable and the lid broke "
    "within a month. Customer service didn't answer; very disappointed with the whole experience. "
    "My old lamp, which I bought elsewhere, is great and definitely worth the price!"
)
NAMES = sorted(PERTURBATIONS)
TEXTS = st.one_of(
    st.text(min_size=1, max_size=80),
    st.lists(st.sampled_from(REVIEW.split()), min_size=1, max_size=30).map(" ".join),
)
SEEDS = st.integers(0, 2**32)
STRENGTHS = st.floats(0, 1)


@pytest.mark.parametrize("name", NAMES)
@given(text=TEXTS, seed=SEEDS)
def test_a_strength_of_zero_changes_nothing(name, text, seed):
    assert PERTURBATIONS[name](text, 0.0, seed) == text


@pytest.mark.parametrize("name", NAMES)
@given(text=TEXTS, strength=STRENGTHS, seed=SEEDS)
def test_no_noise_leaves_a_text_empty(name, text, strength, seed):
    changed = PERTURBATIONS[name](text, strength, seed)
    assert bool(changed.strip()) == bool(text.strip())


@pytest.mark.parametrize("name", NAMES)
@given(text=TEXTS, strength=STRENGTHS, seed=SEEDS)
def test_the_same_seed_gives_the_same_text(name, text, strength, seed):
    random.seed(strength)
    first = PERTURBATIONS[name](text, strength, seed)
    random.seed(1)
    assert PERTURBATIONS[name](text, strength, seed) == first


@pytest.mark.parametrize("name", NAMES)
def test_every_noise_changes_a_review_depending_on_the_seed(name):
    texts = {PERTURBATIONS[name](REVIEW, 0.1, seed) for seed in range(8)}
    assert all(text != REVIEW for text in texts)
    assert len(texts) > 1


@pytest.mark.parametrize("name", ["typos", "typo_drop", "spelling", "case", "special_characters"])
def test_the_strength_is_the_share_of_changed_words(name):
    words = REVIEW.split()
    shares = []
    for seed in range(200):
        changed = PERTURBATIONS[name](REVIEW, 0.1, seed).split()
        shares.append(np.mean([a != b for a, b in zip(words, changed, strict=True)]))
    assert np.mean(shares) == pytest.approx(0.1, abs=0.01)


def test_truncation_removes_the_end_and_keeps_a_word():
    truncate = PERTURBATIONS["truncation"]
    half = truncate(REVIEW, 0.5, 0)
    assert REVIEW.startswith(half)
    assert len(half.split()) == pytest.approx(len(REVIEW.split()) / 2, abs=1)
    assert truncate(REVIEW, 1.0, 0) == "I"


def test_a_strength_above_one_is_rejected():
    for name in NAMES:
        with pytest.raises(ValueError, match="strength must be from 0 to 1"):
            PERTURBATIONS[name](REVIEW, 1.5, 0)


def test_a_swapped_product_is_replaced_everywhere():
    text = "The kettle is fine. I use my kettle daily, just in case."
    changed = PERTURBATIONS["entity_swap"](text, 1.0, 3)
    assert "kettle" not in changed.lower()
    assert changed.endswith("daily, just in case.")


def test_each_kind_has_at_least_thirty_cases_with_allowed_labels():
    kinds = cases(0)
    assert set(kinds) == {"negation", "contrast", "intensifier", "sarcasm", "entity"}
    for kind, each in kinds.items():
        assert len({case.text for case in each}) >= 30, kind
        for case in each:
            assert case.plain != case.text
            assert case.allowed
            assert set(case.allowed) < set(LABELS)
            assert "{" not in case.plain + case.text
    assert cases(0) == kinds
    assert cases(1) != kinds


class WordModel:
    """Predicts by the number of positive and negative words."""

    def __init__(self, positive, negative):
        self.positive, self.negative = positive, negative

    def __call__(self, texts):
        probabilities = np.full((len(texts), 3), 0.1, np.float32)
        for row, text in enumerate(texts):
            words = text.lower().split()
            score = sum(w in self.positive for w in words) - sum(w in self.negative for w in words)
            probabilities[row, np.sign(score) + 1] = 0.8
        return decide(Rule(), probabilities)


def test_the_cost_of_a_noise_follows_from_its_flipped_labels():
    model = WordModel({"sturdy"}, {"broken"})
    texts = ["sturdy", "broken", "sturdy", "broken"]
    labels = np.array([2, 0, 2, 0])
    perturbations = {
        "loses_sturdy": lambda text, strength, seed: text.replace("sturdy", "stur dy"),
        "nothing": lambda text, strength, seed: text,
    }
    setup, costs = noises(
        model,
        texts,
        labels,
        split="made",
        strengths=[0.5],
        seeds=[0, 1],
        perturbations=perturbations,
    )
    assert (setup.rows, setup.accuracy, setup.macro_f1) == (4, 1.0, 1.0)
    cost = costs["loses_sturdy@0.5"]
    assert (cost.changed, cost.accuracy_drop, cost.flip_rate) == (0.5, 0.5, 0.5)
    assert cost.macro_f1_drop == pytest.approx(1 - 1 / 3)
    assert [each.seed for each in cost.seeds] == [0, 1]
    assert costs["nothing@0.5"].flip_rate == 0


def test_a_model_that_always_predicts_positive_passes_only_cases_that_allow_it():
    def predict_positive(texts):
        return decide(Rule(), [[0.1, 0.1, 0.8]] * len(texts))

    kinds = behaviour(predict_positive, seeds=[0])
    assert kinds["entity"].pass_rate == 1.0
    assert kinds["sarcasm"].pass_rate == 0.0
    assert kinds["sarcasm"].failures[0].predicted == "positive"
    expected = np.mean(["positive" in case.allowed for case in cases(0)["negation"]])
    assert kinds["negation"].pass_rate == pytest.approx(expected)
    assert kinds["negation"].flip_rate == 0
    assert kinds["negation"].wanted_flip_rate > 0.8
