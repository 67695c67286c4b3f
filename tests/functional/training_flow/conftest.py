"""The flow in moto's interpreter, with the real function and real jobs behind its tasks.

Without torch, the test replaces the candidate job's export and evaluations; the gate is the real
one (tests/train/test_candidate.py runs the whole job).
"""

import io
import json
import secrets
import time
import traceback
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from moto.awslambda_simple.models import LambdaSimpleBackend

import sagemaker_jobs.message
from lambdas.processing.dependencies import build_dependencies as build_processing
from lambdas.processing.handler import handler as process
from lambdas.promotion.dependencies import build_dependencies
from lambdas.promotion.handler import handler as promote
from sagemaker_jobs.activate.__main__ import main as activate
from sagemaker_jobs.gate import job as gate
from sagemaker_jobs.gate.config import GateConfig
from shared.db.training import TrainingRuns
from shared.schemas.training import TrainingParameters
from shared.storage import artefacts, clients, registry
from shared.storage.objects import S3Store
from tests.evaluations import Simulation
from tests.fakes.processing_jobs import running_jobs, training_jobs
from tests.fakes.sagemaker import REGION
from tests.ingests import store_processed_shard
from tests.models import model_folder, renamed_model

DEFINITION = Path(__file__).resolve().parents[3] / "cdk" / "flows" / "training.asl.json"
ACCOUNT = "123456789012"
PROMOTION_STEPS = frozenset(
    {"look_at_training", "start_candidate", "look_at_job", "register", "start_activation"}
)
TEXTS = ("The churn is a joy to use.", "It broke at once, awful.", "It is a churn.")
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@pytest.fixture
def aws(monkeypatch, tmp_path, app_secret, database):
    """The AWS account: buckets, queue, secret, and the function's environment."""
    config = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws(config=config):
        clients.client.cache_clear()
        build_dependencies.cache_clear()
        build_processing.cache_clear()
        for name in ("artefacts", "clean"):
            clients.client("s3").create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        queue = clients.client("sqs").create_queue(QueueName="processing")["QueueUrl"]
        clients.client("secretsmanager").create_secret(
            Name="database", SecretString=json.dumps(app_secret)
        )
        settings = {
            "ARTEFACT_BUCKET": "artefacts",
            "CLEAN_BUCKET": "clean",
            "PROCESSING_QUEUE_URL": queue,
            "INDEX_QUEUE_URL": queue,
            "DATABASE_SECRET_ID": "database",
            "CACHE_DIR": str(tmp_path / "cache"),
            "POINTER_REFRESH_SECONDS": "0",
            "CANDIDATE_IMAGE_URI": f"{IMAGE}/training:1",
            "CANDIDATE_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/candidate",
            "CANDIDATE_DATA_URI": "s3://artefacts/evaluation-data/",
            "ACTIVATION_IMAGE_URI": f"{IMAGE}/jobs:1",
            "ACTIVATION_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/activation",
            "ACTIVATION_SUBNETS": "subnet-1,subnet-2",
            "ACTIVATION_SECURITY_GROUPS": "sg-1",
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"REVIEWLENS_{name}", value)
        monkeypatch.setattr(sagemaker_jobs.message, "FOLDER", tmp_path / "message")
        (tmp_path / "message").mkdir()
        with running_jobs(clients.client("s3"), tmp_path / "jobs") as jobs:
            yield jobs
    build_dependencies.cache_clear()
    build_processing.cache_clear()
    clients.client.cache_clear()


@pytest.fixture
def store(aws):
    return S3Store(clients.client("s3"), "artefacts")


@pytest.fixture
def shipped(store, database, ledger):
    """The shipped model is current and has processed one shard of three reviews."""
    version = registry.register(store, model_folder()).version
    artefacts.move_pointer(store, "model", version, if_match=None)
    clean = S3Store(clients.client("s3"), "clean")
    store_processed_shard(database, ledger, clean, TEXTS, version)
    return version


@pytest.fixture
def training(aws, store, database):
    """A training started by POST /train and completed by SageMaker; returns the job's name."""
    run, _ = TrainingRuns(database).create(
        TrainingParameters(), None, launcher="sagemaker", rows=9, estimated_at=datetime.now(UTC)
    )
    name = run.training_id.replace("_", "-")
    clients.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": f"{IMAGE}/training:1",
            "TrainingInputMode": "File",
        },
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/training",
        InputDataConfig=[
            {
                "ChannelName": "train",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://artefacts/data/"}
                },
            }
        ],
        OutputDataConfig={"S3OutputPath": "s3://artefacts/training/models"},
        ResourceConfig={
            "InstanceType": "ml.g5.xlarge",
            "InstanceCount": 1,
            "VolumeSizeInGB": 50,
        },
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
    )
    store.put(f"training/models/{name}/output/model.tar.gz", b"weights")
    store.put("data/train.parquet", b"rows")
    store.put("evaluation-data/test.parquet", b"rows")
    return name


class Candidates:
    """The candidate container without torch; ``accuracy`` is that of its model."""

    def __init__(self, folder):
        self._simulation, self._folder = Simulation(), folder
        self.version, self.accuracy, self.failure = "candidate-1-aaaa", 0.91, ""
        self.inputs = []

    def __call__(self, request, job):
        self.inputs = sorted(str(path.relative_to(job / "input")) for path in _files(job / "input"))
        if self.failure:
            return 1, json.dumps({"reason": self.failure})
        output, simulation = job / "output", self._simulation
        renamed_model(output / "model", self.version)
        predictions = simulation.predictions(self.accuracy, seed=2)
        simulation.evaluation(output / "evaluation", self.version, predictions)
        if not (job / "input" / "current").is_dir():
            return 0, json.dumps({"version": self.version, "passed": True})
        against = json.loads((job / "input/current/manifest.json").read_text())["version"]
        simulation.evaluation(output / "current", against, simulation.predictions(0.9, seed=1))
        result = gate.run(
            GateConfig(
                candidate_dir=output / "evaluation",
                current_dir=output / "current",
                output=output / "gate.json",
            )
        )
        return 0, json.dumps({"version": self.version, "passed": result.passed})


def _files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def candidates(aws, tmp_path):
    candidates = Candidates(tmp_path)
    aws.containers["sagemaker_jobs.candidate"] = candidates
    aws.containers["sagemaker_jobs.activate"] = _activate
    return candidates


def _activate(request, _folder):
    """The activation container: the real job on the real database."""
    message = sagemaker_jobs.message.FOLDER / "message"
    message.unlink(missing_ok=True)
    try:
        status = activate(request["AppSpecification"]["ContainerArguments"])
    except Exception:  # noqa: BLE001 - any failure of the container
        traceback.print_exc()
        status = 1
    return status, message.read_text()


@dataclass
class Flow:
    """The state machine: ``events`` sent to its functions, and steps ``done`` by promotion.

    ``faults`` has the error of the next attempts at scoring a shard, by its part.
    """

    arn: str
    events: list = field(default_factory=list)
    done: list = field(default_factory=list)
    faults: dict = field(default_factory=dict)

    def attempts(self, part):
        """How often a shard was to be scored by the map."""
        items = [event["item"] for event in self.events if event["step"] == "score"]
        return sum(item["shard"]["part"] == part for item in items)

    def start(self, training_job):
        return clients.client("stepfunctions").start_execution(
            stateMachineArn=self.arn,
            name=f"run-{secrets.token_hex(8)}",
            input=json.dumps({"training_job": training_job}),
        )["executionArn"]

    def wait(self, execution, eventually):
        """The execution, once it has ended."""
        sfn = clients.client("stepfunctions")
        eventually(lambda: sfn.describe_execution(executionArn=execution)["status"] != "RUNNING")
        return sfn.describe_execution(executionArn=execution)


class _FaultError(Exception):
    pass


def _next_fault(flow, event):
    if event["step"] != "score":
        return None
    faults = flow.faults.get(event["item"]["shard"]["part"])
    return faults.pop(0) if faults else None


def _definition():
    """The deployed definition without its waits."""
    text = DEFINITION.read_text()
    for name, value in {
        "PromotionFunction": "promotion", "ScoringFunction": "scoring", "CleanBucket": "clean"
    }.items():  # fmt: skip
        text = text.replace(f"${{{name}}}", value)

    def hurry(values):
        if values.get("Type") == "Wait":
            return values | {"Seconds": 0}
        if "BackoffRate" in values:
            return values | {"IntervalSeconds": 1, "BackoffRate": 1.0}
        return values

    return json.loads(text, object_hook=hurry)


@pytest.fixture
def flow(aws, monkeypatch):
    """The state machine as it is deployed, without its waits."""
    role = clients.client("iam").create_role(
        RoleName="flow", AssumeRolePolicyDocument="{}", Path="/"
    )["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "")
    for name, module in {"promotion": "promotion", "scoring": "processing"}.items():
        clients.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=role,
            Handler=f"lambdas.{module}.handler.handler",
            Code={"ZipFile": code.getvalue()},
        )
    flow = Flow(
        clients.client("stepfunctions").create_state_machine(
            name="training", definition=json.dumps(_definition()), roleArn=role
        )["stateMachineArn"]
    )

    def invoke(_self, function_name, qualifier, body, headers, response_headers):
        """Answer as Lambda's runtime does: the result as JSON, or the error with its type."""
        event = json.loads(body)
        flow.events.append(event)
        handler = promote if event["step"] in PROMOTION_STEPS else process
        fault = _next_fault(flow, event)
        try:
            if fault == "Sandbox.Timedout":
                handler(event, None)  # killed when it had stored everything
            if fault:
                raise _FaultError(fault)
            answer = json.dumps(handler(event, None)).encode()
        except Exception as error:  # noqa: BLE001
            response_headers["x-amz-function-error"] = "Unhandled"
            kind = error.args[0] if isinstance(error, _FaultError) else type(error).__name__
            return json.dumps({"errorMessage": str(error), "errorType": kind}).encode()
        if handler is promote:
            flow.done.append(event["step"])
        return answer

    monkeypatch.setattr(LambdaSimpleBackend, "invoke", invoke)
    return flow


@pytest.fixture
def run(flow, training, eventually):
    """``run()`` runs the flow on the training; returns its output, or status, error and cause."""

    def run_flow(name=training):
        execution = flow.wait(flow.start(name), eventually)
        if execution["status"] == "SUCCEEDED":
            return json.loads(execution["output"])
        return {name: execution.get(name) for name in ("status", "error", "cause")}

    return run_flow


@pytest.fixture
def eventually():
    def wait(condition, seconds=150):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s"
            time.sleep(0.02)

    return wait


@pytest.fixture
def set_status(training):
    """``set_status(status, reason)`` changes the training's status in SageMaker."""

    def change(status, reason=None):
        job = training_jobs()[training]
        job.training_job_status = status
        job.failure_reason = reason

    return change
