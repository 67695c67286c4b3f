"""Reading what a job says of itself."""

import pytest

from lambdas.training.launcher import Progress, progress_of


def test_place_and_metrics_are_told_apart_and_epochs_count_from_one():
    line = {
        "event": "validation", "epoch": 0, "epochs": 3, "step": 5, "steps": 20, "seconds": 2.5,
        "validation_macro_f1": 0.5,
    }  # fmt: skip
    found = progress_of(line, "Training")
    assert found == Progress("Training", 1, 5, 20, 2.5, {"validation_macro_f1": 0.5})
    assert found.seconds_left == 7.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, None, "0.5", [1], {"a": 1}])
def test_what_is_no_finite_number_is_left_out(value):
    assert progress_of({"loss": value, "step": value}) == Progress()


@pytest.mark.parametrize("values", [{}, {"step": 0, "steps": 9, "seconds": 1}, {"step": 3}])
def test_without_a_pace_there_is_no_estimate(values):
    assert progress_of(values).seconds_left is None
