"""Cross-validation: rows are judged by what has not seen them, and noise teaches nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_jobs.adapt.correction import Inputs
from sagemaker_jobs.adapt.figures import log_losses
from sagemaker_jobs.adapt.selection import choose, estimate, split, standard_error
from shared.runtime.probabilities import softmax

SHIFT = np.array([2.0, 0.0, -2.0])
HOW = {"folds": 5, "repeats": 2}


def calibrated(seed, n, width=12):
    """A model that is right: labels are drawn from its very probabilities."""
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(n, width))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    logits = rng.normal(size=(n, 3)) * 2
    chances = softmax(logits)
    labels = np.array([rng.choice(3, p=row) for row in chances])
    return Inputs(logits, embeddings), labels


@given(st.lists(st.integers(0, 2), min_size=10, max_size=80), st.integers(2, 6))
def test_each_class_is_spread_over_the_folds_evenly(labels, folds):
    labels = np.array(labels)
    found = split(labels, folds, np.random.default_rng(1))
    for label in set(labels):
        counts = np.bincount(found[labels == label], minlength=folds)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_wrong_prior_is_seen_and_mended(seed):
    inputs, labels = calibrated(seed, 150)
    shifted = Inputs(inputs.logits + SHIFT, inputs.embeddings)
    assert choose(shifted, labels, **HOW, rng=np.random.default_rng(seed)) is not None
    unseen = estimate(shifted, labels, **HOW, rng=np.random.default_rng(seed))
    before = log_losses(softmax(shifted.logits), labels)
    after = np.mean([log_losses(chances, labels) for chances in unseen], axis=0)
    assert (before - after).mean() > 2 * standard_error(before - after)


def test_a_model_that_is_right_is_mostly_left_alone():
    left_alone = [
        choose(*calibrated(seed, 100), **HOW, rng=np.random.default_rng(seed)) is None
        for seed in range(20)
    ]
    assert sum(left_alone) >= 16


def test_labels_that_are_noise_gain_nothing_where_they_were_not_seen():
    """An estimate that had seen its rows would look better than chance allows."""
    inputs, _ = calibrated(11, 90, width=60)
    labels = np.random.default_rng(5).permutation(np.repeat([0, 1, 2], 30))
    flat = Inputs(np.zeros_like(inputs.logits), inputs.embeddings)
    unseen = estimate(flat, labels, **HOW, rng=np.random.default_rng(2))
    after = np.mean([log_losses(chances, labels) for chances in unseen], axis=0)
    assert after.mean() > np.log(3) - 2 * standard_error(after)
    assert (unseen.argmax(-1) == labels).mean() < 0.33 + 3 * np.sqrt(0.22 / 90)
