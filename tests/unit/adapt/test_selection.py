"""Cross-validation: estimates are independent of their rows, and noise yields no gain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_jobs.adapt.correction import Inputs
from sagemaker_jobs.adapt.selection import choose, estimate, split, standard_error
from sagemaker_jobs.evaluate.figures import log_losses
from shared.runtime.probabilities import softmax

SHIFT = np.array([2.0, 0.0, -2.0])
OPTIONS = {"folds": 5, "repeats": 2}


def calibrated(seed, n, width=12):
    """A calibrated model: labels are drawn from its probabilities."""
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(n, width))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    logits = rng.normal(size=(n, 3)) * 2
    probabilities = softmax(logits)
    labels = np.array([rng.choice(3, p=row) for row in probabilities])
    return Inputs(logits, embeddings), labels


@given(st.lists(st.integers(0, 2), min_size=10, max_size=80), st.integers(2, 6))
def test_each_class_is_spread_over_the_folds_evenly(labels, folds):
    labels = np.array(labels)
    fold = split(labels, folds, np.random.default_rng(1))
    for label in set(labels):
        counts = np.bincount(fold[labels == label], minlength=folds)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_wrong_prior_is_detected_and_corrected(seed):
    inputs, labels = calibrated(seed, 150)
    shifted = Inputs(inputs.logits + SHIFT, inputs.embeddings)
    assert choose(shifted, labels, **OPTIONS, rng=np.random.default_rng(seed)) is not None
    unseen = estimate(shifted, labels, **OPTIONS, rng=np.random.default_rng(seed))
    before = log_losses(softmax(shifted.logits), labels)
    after = np.mean([log_losses(probabilities, labels) for probabilities in unseen], axis=0)
    assert (before - after).mean() > 2 * standard_error(before - after)


def test_a_calibrated_model_usually_gets_no_correction():
    uncorrected = [
        choose(*calibrated(seed, 100), **OPTIONS, rng=np.random.default_rng(seed)) is None
        for seed in range(20)
    ]
    assert sum(uncorrected) >= 16


def test_random_labels_yield_no_gain_on_unseen_rows():
    """An estimate fitted on its own rows would be better than chance."""
    inputs, _ = calibrated(11, 90, width=60)
    labels = np.random.default_rng(5).permutation(np.repeat([0, 1, 2], 30))
    flat = Inputs(np.zeros_like(inputs.logits), inputs.embeddings)
    unseen = estimate(flat, labels, **OPTIONS, rng=np.random.default_rng(2))
    after = np.mean([log_losses(probabilities, labels) for probabilities in unseen], axis=0)
    assert after.mean() > np.log(3) - 2 * standard_error(after)
    assert (unseen.argmax(-1) == labels).mean() < 0.33 + 3 * np.sqrt(0.22 / 90)
