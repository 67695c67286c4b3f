"""Parsing the progress values that a job logs."""

import pytest

from lambdas.training.launcher import Progress, parse_progress


def test_position_and_metrics_are_separated_and_epochs_count_from_one():
    line = {
        "event": "validation", "epoch": 0, "epochs": 3, "step": 5, "steps": 20, "seconds": 2.5,
        "validation_macro_f1": 0.5,
    }  # fmt: skip
    progress = parse_progress(line, "Training")
    assert progress == Progress("Training", 1, 5, 20, 2.5, {"validation_macro_f1": 0.5})
    assert progress.seconds_left == 7.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, None, "0.5", [1], {"a": 1}])
def test_values_that_are_not_finite_numbers_are_ignored(value):
    assert parse_progress({"loss": value, "step": value}) == Progress()


@pytest.mark.parametrize("values", [{}, {"step": 0, "steps": 9, "seconds": 1}, {"step": 3}])
def test_without_a_pace_there_is_no_estimate(values):
    assert parse_progress(values).seconds_left is None
