"""Failures that a function reports to Lambda: at init, in an invocation, and by exiting."""

import json
import signal

import pytest

from tests.functional.lambda_runtime.conftest import event, sqs_event
from tests.functional.lambda_runtime.runtime_api import ExitedError


def test_an_unknown_event_is_an_error_and_the_next_one_is_served(cloud):
    function = cloud.function("inference")
    failed = function.invoke({"what": "is this"})
    assert (failed.kind, failed.error_type) == ("error", "InvalidInputError")
    assert "does not support events of this kind" in failed.body["errorMessage"]
    assert any("entry.py" in line for line in failed.body["stackTrace"])
    assert function.invoke(event("rest_health")).body["statusCode"] == 200


def test_a_batch_without_a_required_setting_fails_and_names_it(cloud):
    function = cloud.cold("collection", leave_out=("REVIEWLENS_RAW_BUCKET",))
    failed = function.invoke(sqs_event("{}"))
    assert (failed.kind, failed.error_type) == ("error", "ValidationError")
    assert "raw_bucket" in failed.body["errorMessage"]


def test_a_request_without_a_required_setting_is_answered_and_logged(cloud):
    function = cloud.cold("inference", leave_out=("REVIEWLENS_ARTEFACT_BUCKET",))
    response = function.invoke(event("rest_analyze"))
    problem = json.loads(response.body["body"])
    assert (response.body["statusCode"], problem["code"]) == (500, "internal_error")
    assert "artefact_bucket" not in problem["detail"]
    assert "artefact_bucket" in function.log.read_text()


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("lambdas.inference.handlers.handler", "Runtime.ImportModuleError"),
        ("lambdas.inference.handler.handle", "Runtime.HandlerNotFound"),
    ],
)
def test_a_function_that_cannot_start_reports_an_init_error_and_exits(cloud, handler, error_type):
    function = cloud.cold("inference", handler=handler)
    failed = function.next_outcome()
    assert (failed.kind, failed.error_type) == ("init error", error_type)
    assert function.process.wait(timeout=20) != 0


def test_the_function_for_pictures_refuses_to_fetch_from_loopback_on_aws(cloud):
    function = cloud.cold("image_fetch", REVIEWLENS_IMAGE_FETCH_LOOPBACK="true")
    failed = function.invoke({"url": "https://127.0.0.1/a"})
    assert (failed.kind, failed.error_type) == ("error", "ValidationError")
    assert "only allowed on one machine" in failed.body["errorMessage"]


def test_a_failed_request_is_logged_as_an_error(cloud):
    function = cloud.cold("insights", REVIEWLENS_DATABASE_SECRET_ID="gone")
    response = function.invoke(event("rest_products"))
    assert response.body["statusCode"] == 503
    lines = [json.loads(line) for line in function.log.read_text().splitlines() if "{" in line]
    assert [line["level"] for line in lines if "unavailable" in line["message"]] == ["ERROR"]


def test_a_function_does_not_ship_the_code_of_others(cloud):
    function = cloud.cold("insights", handler="lambdas.inference.handler.handler")
    failed = function.next_outcome()
    assert failed.error_type == "Runtime.ImportModuleError"
    assert "lambdas.inference" in failed.body["errorMessage"]


def test_a_killed_process_is_replaced_by_a_new_one(cloud):
    function = cloud.cold("inference")
    assert function.invoke(event("rest_health")).kind == "response"
    function.process.send_signal(signal.SIGKILL)
    with pytest.raises(ExitedError):
        function.invoke(event("rest_health"))
    assert cloud.cold("inference").invoke(event("rest_health")).kind == "response"
