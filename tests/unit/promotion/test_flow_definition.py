"""The definition of the flow: reachable states, retries, steps and results."""

import json
from pathlib import Path

import pytest

from lambdas.promotion.handler import Step

ROOT = Path(__file__).resolve().parents[3]
FLOW = json.loads((ROOT / "cdk" / "flows" / "training.asl.json").read_text())
STATES = FLOW["States"]
SCORING = {"PlanScoring": STATES["PlanScoring"]}
SCORING |= STATES["ScoreShards"]["ItemProcessor"]["States"]
TASKS = {
    name: state for name, state in STATES.items() if state["Type"] == "Task" and name not in SCORING
}


def next_states(state):
    names = [state.get("Next"), state.get("Default")]
    names += [branch["Next"] for branch in state.get("Choices", []) + state.get("Catch", [])]
    return {name for name in names if name}


def test_every_state_is_reachable_and_every_path_ends():
    reached, new = set(), {FLOW["StartAt"]}
    while new:
        reached |= new
        new = set().union(*(next_states(STATES[name]) for name in new)) - reached
    assert reached == set(STATES)
    for state in STATES.values():
        assert next_states(state) or state["Type"] == "Fail" or state.get("End")


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_retried_and_fails_with_a_reason(name):
    (retry,), (catch,) = TASKS[name]["Retry"], TASKS[name]["Catch"]
    assert {"UnavailableError", "ConflictError"} <= set(retry["ErrorEquals"])
    assert "States.ALL" not in retry["ErrorEquals"]  # permanent errors are not retried
    assert catch["ErrorEquals"] == ["States.ALL"]
    assert STATES[catch["Next"]]["CausePath"] == catch["ResultPath"] + ".Cause"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_calls_a_step_of_the_function(name):
    payload = TASKS[name]["Parameters"]["Payload"]
    example = {"training_job": "train-20251016-001", "job": "candidate-1", "version": "v-1"}
    Step(**{key.removesuffix(".$"): example.get(key.removesuffix(".$"), value)
            for key, value in payload.items()})  # fmt: skip


@pytest.mark.parametrize("name", SCORING)
def test_every_task_of_scoring_is_retried_and_calls_its_own_function(name):
    assert SCORING[name]["Parameters"]["FunctionName"] == "${ScoringFunction}"
    errors = {error for retry in SCORING[name]["Retry"] for error in retry["ErrorEquals"]}
    assert {"UnavailableError", "ConflictError", "States.Timeout"} <= errors
    assert "States.ALL" not in errors  # permanent errors are not retried


@pytest.mark.parametrize("name", ["PlanScoring", "ScoreShards"])
def test_scoring_that_fails_is_left_to_the_activation(name):
    (catch,) = STATES[name]["Catch"]
    assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "StartActivation")


def test_every_final_state_reports_its_result():
    for state in STATES.values():
        if state["Type"] == "Fail":
            assert "CausePath" in state
        elif state.get("End"):
            assert {"verdict", "training_job.$", "reasons.$"} <= set(state["Parameters"])


def test_waiting_stays_within_the_event_limit_of_an_execution():
    assert FLOW["TimeoutSeconds"] <= 48 * 3600
    waits = [state["Seconds"] for state in STATES.values() if state["Type"] == "Wait"]
    assert FLOW["TimeoutSeconds"] / min(waits) * 11 < 25_000
