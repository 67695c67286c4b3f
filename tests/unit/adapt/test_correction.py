"""The fit itself: it finds the optimum, and strong penalties leave the model what it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_jobs.adapt.correction import (
    STRENGTHS,
    Inputs,
    Strength,
    fit,
    inputs_of,
    softmax,
)


def drawn(seed, n=40, width=6):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(n, width))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return Inputs(rng.normal(size=(n, 3)) * 2, embeddings), rng.integers(0, 3, n)


def objective(correction, inputs, labels, strength):
    chances = softmax(correction.apply(inputs))
    loss = -np.log(chances[np.arange(len(labels)), labels]).sum()
    parts = zip(correction, strength[1:], strict=True)
    return loss + sum((part**2).sum() * held / 2 for part, held in parts if held is not None)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(STRENGTHS), st.floats(0.001, 0.2))
def test_no_change_of_any_weight_makes_the_fit_better(seed, strength, size):
    inputs, labels = drawn(seed)
    found = fit(inputs, labels, strength)
    least = objective(found, inputs, labels, strength)
    rng = np.random.default_rng(seed)
    moved = [
        part + rng.normal(size=part.shape) * size * (held is not None)
        for part, held in zip(found, strength[1:], strict=True)
    ]
    assert objective(type(found)(*moved), inputs, labels, strength) > least


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(STRENGTHS))
def test_the_fit_is_never_worse_than_no_correction_on_its_own_rows(seed, strength):
    inputs, labels = drawn(seed)
    found = fit(inputs, labels, strength)
    before, after = softmax(inputs.logits), softmax(found.apply(inputs))
    rows = np.arange(len(labels))
    assert np.log(after[rows, labels]).sum() >= np.log(before[rows, labels]).sum()


@given(st.integers(0, 10_000))
def test_an_endless_penalty_leaves_the_model_as_it_was(seed):
    inputs, labels = drawn(seed)
    found = fit(inputs, labels, Strength("rigid", 1e9, 1e9, 1e9))
    assert found.apply(inputs) == pytest.approx(inputs.logits, abs=1e-6)


@given(st.integers(0, 10_000), st.floats(-50, 50))
def test_a_constant_added_to_all_logits_changes_no_probability(seed, constant):
    inputs, labels = drawn(seed)
    found = fit(inputs, labels, STRENGTHS[-1])
    lifted = Inputs(inputs.logits + constant, inputs.embeddings)
    assert softmax(found.apply(lifted)) == pytest.approx(softmax(found.apply(inputs)), abs=1e-9)


def test_what_a_strength_leaves_out_stays_zero():
    inputs, labels = drawn(3)
    bias_alone = fit(inputs, labels, STRENGTHS[0])
    assert bias_alone.bias.any()
    assert not bias_alone.logits.any()
    assert not bias_alone.embedding.any()


def test_a_probability_that_underflowed_stays_finite():
    inputs = inputs_of(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]] * 20), np.ones((40, 4)) / 2)
    labels = np.array([2, 1] * 20)
    assert np.isfinite(fit(inputs, labels, STRENGTHS[-1]).apply(inputs)).all()
