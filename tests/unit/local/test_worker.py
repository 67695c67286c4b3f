"""The worker's functions exist, and its sweep sends the event of EventBridge."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.names import FUNCTION_TIMEOUT_SECONDS, QUEUES
from local.stack.worker import load_handler, scheduled_event

EXAMPLE = Path(__file__).parents[2] / "events" / "eventbridge_scheduled.json"


@pytest.mark.parametrize("force", [True, False])
def test_a_scheduled_event_has_the_shape_of_eventbridge(force):
    example = json.loads(EXAMPLE.read_text())
    event = scheduled_event(force=force)
    assert event.keys() == example.keys()
    assert {name: type(value) for name, value in event.items()} == {
        name: type(value) for name, value in example.items()
    }
    for name in ("version", "detail-type", "source", "account"):
        assert event[name] == example[name]
    assert event["detail"] == {"force": force}
    written = datetime.strptime(event["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert written <= datetime.now(UTC)
    assert json.loads(json.dumps(event)) == event


@pytest.mark.parametrize("plan", QUEUES, ids=lambda plan: plan.name)
def test_the_visibility_timeout_is_six_times_the_function_timeout(plan):
    assert plan.visibility_seconds == 6 * FUNCTION_TIMEOUT_SECONDS


def test_each_scheduled_event_has_its_own_id():
    assert scheduled_event(force=True)["id"] != scheduled_event(force=True)["id"]


@pytest.mark.parametrize("plan", QUEUES, ids=lambda plan: plan.name)
def test_every_queue_has_a_function(plan):
    assert callable(load_handler(plan.function))
    assert plan.dead_letter_queue == f"{plan.queue}-dlq"
