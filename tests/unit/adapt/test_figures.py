"""Figures from probabilities, against what they are by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_jobs.adapt.figures import calibration_error, figures, log_losses


def test_figures_of_four_rows_by_hand():
    chances = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.7, 0.2], [0.1, 0.1, 0.8]])
    found = figures(chances, np.array([0, 1, 1, 2]))
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found["weighted_f1"] == pytest.approx((2 / 3 + 2 * 2 / 3 + 1) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.3, 0.7, 0.8]).mean())
    # confidences 0.8 and 0.8 (one bin), 0.6, 0.7: gaps 0.4, 0.6 and 0.3 of four rows
    assert found["calibration_error"] == pytest.approx((0.4 + 0.6 + 0.3) / 4)


def test_a_class_that_is_nowhere_counts_in_no_f1():
    chances = np.array([[0.9, 0.0, 0.1], [0.1, 0.0, 0.9]])
    assert figures(chances, np.array([0, 2]))["macro_f1"] == 1.0


def test_certain_and_right_is_calibrated_and_costs_nothing():
    chances = np.eye(3)
    assert calibration_error(chances, np.arange(3)) == 0
    assert log_losses(chances, np.arange(3)) == pytest.approx(np.zeros(3))


def test_certain_and_wrong_costs_much_but_not_endlessly():
    assert 20 < log_losses(np.array([[1.0, 0.0, 0.0]]), np.array([1]))[0] < 100


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_rates_lie_between_nought_and_one(seed, rows):
    rng = np.random.default_rng(seed)
    found = figures(rng.dirichlet([1, 1, 1], rows), rng.integers(0, 3, rows))
    assert all(0 <= found[name] <= 1 + 1e-9 for name in found if name != "log_loss")
