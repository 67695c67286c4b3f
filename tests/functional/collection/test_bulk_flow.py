"""The deployed definition in moto's interpreter, with the real function behind its steps."""

import io
import json
import time
import zipfile
from pathlib import Path
from threading import Lock

import boto3
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend

from lambdas.collection.bulk import plan as planning
from lambdas.collection.bulk.steps import run_step
from shared.schemas.ingest import IngestStatus
from shared.storage.machines import StepFunction
from shared.storage.objects import S3Store
from tests.fakes.sagemaker import REGION

DEFINITION = Path(__file__).resolve().parents[3] / "cdk" / "flows" / "collection.asl.json"
ROWS = 3_600
BATCH_ROWS = 200


class Function:
    """Lambda: answers with the result of a step, or with the error and its type."""

    def __init__(self):
        self.world = None
        self.attempts = {}
        self.faults = {}
        """For the number of a range: the errors of its next attempts."""
        self._lock = Lock()

    def invoke(self, function_name, qualifier, body, headers, response_headers):
        event = json.loads(body)
        number = event["item"]["number"] if event["step"] == "read" else event["step"]
        with self._lock:
            self.attempts[number] = self.attempts.get(number, 0) + 1
            fault = self.faults[number].pop(0) if self.faults.get(number) else None
        if fault == "Sandbox.Timedout":
            # killed after it has stored what it has read
            run_step(self.world.dependencies, event)
        try:
            if fault:
                raise _FaultError(fault)
            return json.dumps(run_step(self.world.dependencies, event)).encode()
        except Exception as error:  # noqa: BLE001 - as Lambda
            response_headers["x-amz-function-error"] = "Unhandled"
            kind = error.args[0] if isinstance(error, _FaultError) else type(error).__name__
            return json.dumps({"errorMessage": str(error), "errorType": kind}).encode()


class _FaultError(Exception):
    pass


@pytest.fixture
def aws(monkeypatch):
    """An account whose state machines run, without waiting between attempts."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    config = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}
    with mock_aws(config=config):
        yield


@pytest.fixture
def function(aws, monkeypatch):
    function = Function()
    monkeypatch.setattr(LambdaSimpleBackend, "invoke", function.invoke)
    return function


@pytest.fixture
def machine(function):
    """The state machine; only the times between attempts differ from the deployed one."""
    text = DEFINITION.read_text()
    text = text.replace("${CollectionFunction}", "collection").replace("${CleanBucket}", "clean")

    def hurry(values):
        return (
            values | {"IntervalSeconds": 1, "MaxDelaySeconds": 2}
            if "BackoffRate" in values
            else values
        )

    definition = json.loads(text, object_hook=hurry)
    role = boto3.client("iam").create_role(RoleName="flow", AssumeRolePolicyDocument="{}", Path="/")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "")
    boto3.client("lambda").create_function(
        FunctionName="collection",
        Runtime="python3.12",
        Role=role["Role"]["Arn"],
        Handler="lambdas.collection.handler.handler",
        Code={"ZipFile": code.getvalue()},
    )
    step_functions = boto3.client("stepfunctions")
    arn = step_functions.create_state_machine(
        name="collection", definition=json.dumps(definition), roleArn=role["Role"]["Arn"]
    )["stateMachineArn"]
    return StepFunction(step_functions, arn)


@pytest.fixture
def bulk(world, machine, function, monkeypatch):
    """A world in which the state machine reads everything."""
    monkeypatch.setattr(planning, "BATCHES_PER_RANGE", 2)
    s3 = boto3.client("s3")
    for name in ("raw", "clean"):
        location = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=location)
    function.world = world.replace(
        raw=S3Store(s3, "raw"),
        clean=S3Store(s3, "clean"),
        batch_rows=BATCH_ROWS,
        machine=machine,
        bulk_bytes=1,
        memory_gb=2.0,
    )
    return function.world


@pytest.fixture
def body(make_review, make_dump):
    return make_dump(make_review(n % 3_300, text=f"Text {n % 3_300}.") for n in range(ROWS))


def wait():
    """The newest execution, once it has ended."""
    step_functions = boto3.client("stepfunctions")
    (machine,) = step_functions.list_state_machines()["stateMachines"]
    arn = machine["stateMachineArn"]
    deadline = time.monotonic() + 300
    while True:
        newest = step_functions.list_executions(stateMachineArn=arn)["executions"]
        newest = max(newest, key=lambda each: int(each["name"].split("-")[-2]))
        if newest["status"] != "RUNNING":
            return step_functions.describe_execution(executionArn=newest["executionArn"])
        assert time.monotonic() < deadline
        time.sleep(0.05)


def collect(bulk, arrival):
    bulk.collector.collect(arrival)
    return wait()


def test_ranges_with_a_throttled_and_a_timed_out_item_store_what_one_run_stores(
    bulk, function, body, assert_counts, rows
):
    function.faults = {
        "plan": ["UnavailableError"],
        1: ["Lambda.TooManyRequestsException"] * 2,
        2: ["Sandbox.Timedout"],
        3: ["UnavailableError"],
    }
    arrival = bulk.put("uploads/a.jsonl", body)
    execution = collect(bulk, arrival)
    assert execution["status"] == "SUCCEEDED", execution
    history = boto3.client("stepfunctions").get_execution_history(
        executionArn=execution["executionArn"], maxResults=1000
    )
    kinds = {event["type"] for event in history["events"]}
    assert "MapRunSucceeded" in kinds
    assert "MapStateFailed" not in kinds
    assert any(info.key.startswith("plan-results/") for info in bulk.dependencies.clean.list(""))
    report = assert_counts(bulk.report(arrival))
    assert report.status is IngestStatus.COLLECTED
    assert (report.rows_read, report.stored, report.duplicates) == (ROWS, 3_300, 300)
    assert rows("SELECT count(*), sum(accepted) FROM shards") == [(ROWS // BATCH_ROWS, ROWS)]
    attempts = function.attempts
    # a busy machine may add some
    assert attempts["plan"] >= 2
    assert [attempts[n] >= least for n, least in ((1, 3), (2, 2), (3, 2))] == [True] * 3


def test_a_poisoned_item_is_not_repeated_and_the_others_are_kept(
    bulk, function, body, assert_counts
):
    function.faults = {2: ["IngestError"]}
    arrival = bulk.put("uploads/a.jsonl", body)
    execution = collect(bulk, arrival)
    assert (execution["status"], execution["error"]) == ("FAILED", "RangesFailed")
    assert "1 of " in execution["cause"]
    report = assert_counts(bulk.report(arrival))
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "ranges_failed")
    assert report.rows_read == ROWS - 2 * BATCH_ROWS
    assert function.attempts[2] == 1

    function.attempts.clear()
    assert collect(bulk, arrival)["status"] == "SUCCEEDED"
    report = assert_counts(bulk.report(arrival))
    assert (report.status, report.rows_read) == (IngestStatus.COLLECTED, ROWS)
    # only what had failed is read again
    assert set(function.attempts) == {"plan", 2, "finish"}


def test_a_second_message_does_not_start_a_second_execution(bulk, function, body):
    arrival = bulk.put("uploads/a.jsonl", body)
    bulk.collector.collect(arrival)
    wait()
    bulk.collector.collect(arrival)
    step_functions = boto3.client("stepfunctions")
    (machine,) = step_functions.list_state_machines()["stateMachines"]
    arn = machine["stateMachineArn"]
    assert len(step_functions.list_executions(stateMachineArn=arn)["executions"]) == 1
