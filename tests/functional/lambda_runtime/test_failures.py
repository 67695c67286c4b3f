"""What Lambda learns of a function that fails: at its start, in an invocation, by its death."""

import json
import signal

import pytest

from tests.functional.lambda_runtime.conftest import event, sqs_event
from tests.functional.lambda_runtime.runtime_api import DiedError


def test_an_event_of_no_known_kind_is_an_error_and_the_next_one_is_served(cloud):
    function = cloud.function("inference")
    failed = function.invoke({"what": "is this"})
    assert (failed.kind, failed.error_type) == ("error", "InvalidInputError")
    assert "no event of this kind" in failed.body["errorMessage"]
    assert any("entry.py" in line for line in failed.body["stackTrace"])
    assert function.invoke(event("rest_health")).body["statusCode"] == 200


def test_a_batch_that_cannot_begin_fails_as_a_whole_and_names_the_missing_setting(cloud):
    function = cloud.cold("collection", leave_out=("REVIEWLENS_RAW_BUCKET",))
    failed = function.invoke(sqs_event("{}"))
    assert (failed.kind, failed.error_type) == ("error", "ValidationError")
    assert "raw_bucket" in failed.body["errorMessage"]


def test_a_request_without_its_setting_is_answered_and_logged_with_its_reference(cloud):
    function = cloud.cold("inference", leave_out=("REVIEWLENS_ARTEFACT_BUCKET",))
    answer = function.invoke(event("rest_analyze"))
    problem = json.loads(answer.body["body"])
    assert (answer.body["statusCode"], problem["code"]) == (500, "internal_error")
    assert "artefact_bucket" not in problem["detail"]
    assert "artefact_bucket" in function.log.read_text()


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("lambdas.inference.handlers.handler", "Runtime.ImportModuleError"),
        ("lambdas.inference.handler.handle", "Runtime.HandlerNotFound"),
    ],
)
def test_a_function_that_cannot_start_says_so_and_ends(cloud, handler, error_type):
    function = cloud.cold("inference", handler=handler)
    failed = function.next_outcome()
    assert (failed.kind, failed.error_type) == ("init error", error_type)
    assert function.process.wait(timeout=20) != 0


def test_a_request_that_fails_is_logged_at_the_level_that_an_alarm_counts(cloud):
    function = cloud.cold("insights", REVIEWLENS_DATABASE_SECRET_ID="gone")
    answer = function.invoke(event("rest_products"))
    assert answer.body["statusCode"] == 503
    logged = [json.loads(line) for line in function.log.read_text().splitlines() if "{" in line]
    assert [line["level"] for line in logged if "unavailable" in line["message"]] == ["ERROR"]


def test_a_function_ships_nothing_of_the_others(cloud):
    function = cloud.cold("insights", handler="lambdas.inference.handler.handler")
    failed = function.next_outcome()
    assert failed.error_type == "Runtime.ImportModuleError"
    assert "lambdas.inference" in failed.body["errorMessage"]


def test_a_process_that_dies_answers_nothing_and_a_new_one_takes_its_place(cloud):
    function = cloud.cold("inference")
    assert function.invoke(event("rest_health")).kind == "response"
    function.process.send_signal(signal.SIGKILL)
    with pytest.raises(DiedError):
        function.invoke(event("rest_health"))
    assert cloud.cold("inference").invoke(event("rest_health")).kind == "response"
