"""The fit finds the optimum, and strong penalties leave the model unchanged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.adapt.correction import (
    STRENGTHS,
    Inputs,
    Strength,
    fit,
    model_inputs,
    softmax,
)


def random_inputs(seed, n=40, width=6):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(n, width))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return Inputs(rng.normal(size=(n, 3)) * 2, embeddings), rng.integers(0, 3, n)


def objective(correction, inputs, labels, strength):
    probabilities = softmax(correction.apply(inputs))
    loss = -np.log(probabilities[np.arange(len(labels)), labels]).sum()
    parts = zip(correction, strength[1:], strict=True)
    penalties = ((part**2).sum() * penalty / 2 for part, penalty in parts if penalty is not None)
    return loss + sum(penalties)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(STRENGTHS), st.floats(0.001, 0.2))
def test_no_change_of_the_weights_improves_the_fit(seed, strength, size):
    inputs, labels = random_inputs(seed)
    fitted = fit(inputs, labels, strength)
    least = objective(fitted, inputs, labels, strength)
    rng = np.random.default_rng(seed)
    changed = [
        part + rng.normal(size=part.shape) * size * (penalty is not None)
        for part, penalty in zip(fitted, strength[1:], strict=True)
    ]
    assert objective(type(fitted)(*changed), inputs, labels, strength) > least


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(STRENGTHS))
def test_the_fit_is_never_worse_than_no_correction_on_its_own_rows(seed, strength):
    inputs, labels = random_inputs(seed)
    fitted = fit(inputs, labels, strength)
    before, after = softmax(inputs.logits), softmax(fitted.apply(inputs))
    rows = np.arange(len(labels))
    assert np.log(after[rows, labels]).sum() >= np.log(before[rows, labels]).sum()


@given(st.integers(0, 10_000))
def test_a_huge_penalty_leaves_the_model_unchanged(seed):
    inputs, labels = random_inputs(seed)
    fitted = fit(inputs, labels, Strength("rigid", 1e9, 1e9, 1e9))
    assert fitted.apply(inputs) == pytest.approx(inputs.logits, abs=1e-6)


@given(st.integers(0, 10_000), st.floats(-50, 50))
def test_a_constant_added_to_all_logits_changes_no_probability(seed, constant):
    inputs, labels = random_inputs(seed)
    fitted = fit(inputs, labels, STRENGTHS[-1])
    shifted = Inputs(inputs.logits + constant, inputs.embeddings)
    assert softmax(fitted.apply(shifted)) == pytest.approx(softmax(fitted.apply(inputs)), abs=1e-9)


def test_parts_without_a_penalty_stay_zero():
    inputs, labels = random_inputs(3)
    bias_only = fit(inputs, labels, STRENGTHS[0])
    assert bias_only.bias.any()
    assert not bias_only.logits.any()
    assert not bias_only.embedding.any()


def test_a_probability_that_underflowed_stays_finite():
    inputs = model_inputs(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]] * 20), np.ones((40, 4)) / 2)
    labels = np.array([2, 1] * 20)
    assert np.isfinite(fit(inputs, labels, STRENGTHS[-1]).apply(inputs)).all()
