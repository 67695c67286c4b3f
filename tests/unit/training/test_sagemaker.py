"""Requests to SageMaker, and parsing of its responses."""

import json
import re

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from lambdas.training.launcher import Progress
from lambdas.training.sagemaker_launcher import SageMakerLauncher
from lambdas.training.sagemaker_request import build_request
from shared.errors import UnavailableError
from shared.schemas.training import TrainingState
from shared.schemas.training_log import METRIC_DEFINITIONS
from tests.training import job, sagemaker_settings

NAME = "train-20260310-001"


@pytest.fixture
def client():
    return boto3.client(
        "sagemaker",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def launcher(client, **settings):
    return SageMakerLauncher(client, sagemaker_settings(**settings))


def description(status, phase, **more):
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:training-job/{NAME}"
    return {
        "TrainingJobName": NAME, "TrainingJobArn": arn, "TrainingJobStatus": status,
        "SecondaryStatus": phase, "CreationTime": 1, "AlgorithmSpecification":
        {"TrainingInputMode": "File"}, "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {}, "ModelArtifacts": {"S3ModelArtifacts": "s3://b/k"}, **more,
    }  # fmt: skip


def test_a_request_has_spot_script_mode_channels_checkpoints_and_limits():
    settings = sagemaker_settings(training_source_uri="s3://code/sourcedir.tar.gz")
    request = build_request(settings, job(epochs=4, learning_rate=3e-5))
    assert request["TrainingJobName"] == NAME
    assert {k: json.loads(v) for k, v in request["HyperParameters"].items()} == {
        "model-name": "all-MiniLM-L6-v2",
        "epochs": 4,
        "batch-size": 32,
        "learning-rate": 3e-5,
        "sagemaker_program": "sagemaker_jobs/train/container.py",
        "sagemaker_submit_directory": "s3://code/sourcedir.tar.gz",
    }
    (channel,) = request["InputDataConfig"]
    assert channel["ChannelName"] == "train"
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == "s3://data/reviews/"
    assert request["CheckpointConfig"]["S3Uri"] == f"s3://artefacts/training/checkpoints/{NAME}/"
    assert request["EnableManagedSpotTraining"] is True
    stopping = request["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] > stopping["MaxRuntimeInSeconds"] > 0


def test_a_request_without_spot_has_no_waiting_time():
    request = build_request(sagemaker_settings(training_spot=False), job())
    assert request["EnableManagedSpotTraining"] is False
    assert "MaxWaitTimeInSeconds" not in request["StoppingCondition"]


def test_a_registered_encoder_is_an_input_channel():
    settings = sagemaker_settings(training_encoders="mine", training_encoders_uri="s3://enc/all")
    request = build_request(settings, job(model_name="mine"))
    uris = [
        channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request["InputDataConfig"]
    ]
    assert uris == ["s3://data/reviews/", "s3://enc/all/mine/"]
    assert json.loads(request["HyperParameters"]["model-name"]) == "/opt/ml/input/data/encoder"


def test_metric_definitions_match_every_number_of_a_log_line():
    line = (
        '12:00 train {"epoch": 0, "step": 50, "steps": 900, "sentiment": 0.51, "similarity": 2e-05}'
    )
    metrics = {
        definition["Name"]: match.group(1)
        for definition in METRIC_DEFINITIONS
        if (match := re.search(definition["Regex"], line))
    }
    assert metrics == {
        "epoch": "0", "step": "50", "steps": "900", "sentiment": "0.51",
        "similarity": "2e-05",
    }  # fmt: skip
    assert len(METRIC_DEFINITIONS) <= 40  # SageMaker's limit


@pytest.mark.parametrize(
    ("status", "phase", "state"),
    [
        ("InProgress", "Starting", TrainingState.STARTED),
        ("InProgress", "Downloading", TrainingState.STARTED),
        ("InProgress", "Training", TrainingState.RUNNING),
        ("InProgress", "Interrupted", TrainingState.RUNNING),
        ("InProgress", "Uploading", TrainingState.RUNNING),
        ("Stopping", "Stopping", TrainingState.RUNNING),
        ("Completed", "Completed", TrainingState.COMPLETED),
        ("Failed", "Failed", TrainingState.FAILED),
        ("Stopped", "Stopped", TrainingState.CANCELLED),
        ("Stopped", "MaxRuntimeExceeded", TrainingState.FAILED),
    ],
)
def test_sagemakers_status_is_mapped_to_a_state(client, status, phase, state):
    with Stubber(client) as stub:
        more = {"FailureReason": "AlgorithmError: no rows"} if status == "Failed" else {}
        stub.add_response("describe_training_job", description(status, phase, **more))
        report = launcher(client).report(job().training_id)
    # SageMaker also names a URI for failed and active jobs, but there is no object
    uri = "s3://b/k" if state is TrainingState.COMPLETED else None
    assert (report.state, report.progress) == (state, Progress(phase=phase, artefact_uri=uri))
    if state is TrainingState.FAILED:
        assert report.failure_reason == more.get("FailureReason", phase)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ThrottlingException", "UnknownException"]
)
@pytest.mark.parametrize("method", ["start", "report", "stop"])
def test_other_refusals_make_training_unavailable(client, code, method):
    operation = {"start": "create", "report": "describe", "stop": "stop"}[method]
    argument = job() if method == "start" else job().training_id
    with Stubber(client) as stub:
        stub.add_client_error(f"{operation}_training_job", code, "no", http_status_code=400)
        with pytest.raises(UnavailableError, match=code) as raised:
            getattr(launcher(client), method)(argument)
    assert isinstance(raised.value.__cause__, ClientError)


def test_a_name_used_by_another_job_is_an_error(client):
    with Stubber(client) as stub:
        stub.add_client_error("create_training_job", "ResourceInUse", "unique")
        stub.add_response(
            "describe_training_job",
            description("Completed", "Completed", HyperParameters={"epochs": "9"}),
        )
        with pytest.raises(UnavailableError, match=NAME):
            launcher(client).start(job())


def test_a_connection_error_is_unavailable(client, monkeypatch):
    def fail(**_named):
        raise EndpointConnectionError(endpoint_url="https://sagemaker")

    monkeypatch.setattr(client, "describe_training_job", fail)
    with pytest.raises(UnavailableError, match="does not answer"):
        launcher(client).report(job().training_id)


def test_missing_settings_are_named(client):
    incomplete = launcher(client, training_image_uri="", training_output_uri="")
    with pytest.raises(UnavailableError, match=r"TRAINING_IMAGE_URI, REVIEWLENS_TRAINING_OUTPUT"):
        incomplete.check_ready()
