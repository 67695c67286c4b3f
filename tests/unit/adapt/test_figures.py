"""Figures computed from probabilities, compared with manual results."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_jobs.evaluate.figures import figures, log_losses
from sagemaker_jobs.evaluate.metrics import calibration_error
from shared.schemas.decisions import Rule


def test_figures_of_four_rows():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.7, 0.2], [0.1, 0.1, 0.8]])
    result = figures(probabilities, np.array([0, 1, 1, 2]), Rule())
    assert result["accuracy"] == 0.75
    assert result["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert result["weighted_f1"] == pytest.approx((2 / 3 + 2 * 2 / 3 + 1) / 4)
    assert result["log_loss"] == pytest.approx(-np.log([0.8, 0.3, 0.7, 0.8]).mean())
    # confidences 0.8 and 0.8 (one bin), 0.6, 0.7: gaps 0.4, 0.6 and 0.3 of four rows
    assert result["calibration_error"] == pytest.approx((0.4 + 0.6 + 0.3) / 4)


def test_a_class_without_rows_and_predictions_is_skipped_in_f1():
    probabilities = np.array([[0.9, 0.0, 0.1], [0.1, 0.0, 0.9]])
    assert figures(probabilities, np.array([0, 2]), Rule())["macro_f1"] == 1.0


def test_certain_and_correct_predictions_have_no_loss_and_no_calibration_error():
    probabilities = np.eye(3)
    assert calibration_error(probabilities, np.arange(3)) == 0
    assert log_losses(probabilities, np.arange(3)) == pytest.approx(np.zeros(3))


def test_a_certain_and_wrong_prediction_has_a_large_finite_loss():
    assert 20 < log_losses(np.array([[1.0, 0.0, 0.0]]), np.array([1]))[0] < 100


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_rates_are_between_zero_and_one(seed, rows):
    rng = np.random.default_rng(seed)
    result = figures(rng.dirichlet([1, 1, 1], rows), rng.integers(0, 3, rows), Rule())
    assert all(0 <= result[name] <= 1 + 1e-9 for name in result if name != "log_loss")
