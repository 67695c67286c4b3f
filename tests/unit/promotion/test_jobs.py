"""SageMaker jobs of the flow: their state, retries and requests."""

import json

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from lambdas.promotion.handler import handler
from lambdas.promotion.jobs import SageMakerJobs
from lambdas.promotion.requests import activation_request, candidate_request
from lambdas.promotion.settings import PromotionSettings
from shared.errors import ConflictError, InvalidInputError, ReviewlensError, UnavailableError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:processing-job/x"
REQUIRED_SETTINGS = {
    "artefact_bucket": "a",
    "clean_bucket": "c",
    "processing_queue_url": "q",
    "candidate_image_uri": "image",
    "candidate_role_arn": "arn:aws:iam::123456789012:role/candidate",
    "activation_image_uri": "jobs",
    "activation_role_arn": "arn:aws:iam::123456789012:role/activation",
    "database_host": "proxy.example",
}


@pytest.fixture
def stub():
    client = boto3.client(
        "sagemaker", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        yield stubber


@pytest.fixture
def jobs(stub):
    return SageMakerJobs(stub.client)


def stub_description(stub, status, **fields):
    cluster = {"InstanceCount": 1, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 1}
    response = {
        "ProcessingJobName": "x", "ProcessingJobArn": ARN, "ProcessingJobStatus": status,
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {"ImageUri": "i"}, "CreationTime": 0,
    }  # fmt: skip
    stub.add_response("describe_processing_job", response | fields)


def stub_unknown_job(stub):
    stub.add_client_error(
        "describe_processing_job",
        "ValidationException",
        "Could not find requested job with name: x",
    )


def test_the_reason_prefers_the_containers_message(jobs, stub):
    failure = {"FailureReason": "AlgorithmError: , exit code: 1"}
    stub_description(stub, "Failed", ExitMessage=json.dumps({"reason": "no rows"}), **failure)
    stub_description(stub, "Failed", ExitMessage="killed", **failure)
    stub_description(stub, "Failed", **failure)
    stub_description(stub, "Stopped")
    descriptions = [jobs.describe_processing("x") for _ in range(4)]
    assert [each.reason for each in descriptions] == [
        "no rows", "killed", failure["FailureReason"], "the job was stopped",
    ]  # fmt: skip
    assert [each.state for each in descriptions] == ["failed"] * 3 + ["stopped"]


def test_a_repeated_start_returns_the_running_job(jobs, stub):
    stub_description(stub, "InProgress")
    assert jobs.start("candidate-t", {}) == "candidate-t-1"


def test_a_start_after_ended_jobs_uses_the_next_number(jobs, stub):
    stub_description(stub, "Failed")
    stub_description(stub, "Completed")
    stub_unknown_job(stub)
    request = activation_request(PromotionSettings(**REQUIRED_SETTINGS), "v-1", "eu-west-1")
    stub.add_response(
        "create_processing_job", {"ProcessingJobArn": ARN},
        {"ProcessingJobName": "activate-t-3", **request},
    )  # fmt: skip
    assert jobs.start("activate-t", request) == "activate-t-3"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ResourceInUse", ConflictError),
        ("ThrottlingException", UnavailableError),
        ("ResourceLimitExceeded", UnavailableError),
        ("AccessDeniedException", ReviewlensError),
    ],
)
def test_only_transient_errors_are_retryable(jobs, stub, code, error):
    stub_unknown_job(stub)
    stub.add_client_error("create_processing_job", code, "because")
    request = candidate_request(
        PromotionSettings(**REQUIRED_SETTINGS), {"run": "s3://a/b"}, "s3://a/c"
    )
    with pytest.raises(error, match="candidate-t-1") as raised:
        jobs.start("candidate-t", request)
    assert raised.value.retryable == (error is not ReviewlensError)


def test_a_connection_error_is_unavailable():
    class Down:
        def describe_training_job(self, **_):
            raise EndpointConnectionError(endpoint_url="https://sagemaker.example")

    with pytest.raises(UnavailableError, match="does not answer"):
        SageMakerJobs(Down()).describe_training("train-20251016-001")


def test_the_activation_job_connects_to_the_database_like_the_functions():
    request = activation_request(PromotionSettings(**REQUIRED_SETTINGS), "v-1", "eu-west-1")
    assert request["Environment"]["REVIEWLENS_DATABASE_HOST"] == "proxy.example"
    assert request["Environment"]["REVIEWLENS_DATABASE_USER"] == "reviewlens_app"
    assert "REVIEWLENS_DATABASE_SECRET_ID" not in request["Environment"]
    assert "NetworkConfig" not in request


def test_a_key_encrypts_volumes_and_output():
    settings = PromotionSettings(**REQUIRED_SETTINGS, jobs_kms_key="key")
    request = candidate_request(settings, {}, "s3://a/c")
    assert request["ProcessingOutputConfig"]["KmsKeyId"] == "key"
    assert request["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == "key"


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({}, "step"),
        ({"step": "burn", "training_job": "train-20251016-001"}, "step"),
        ({"step": "register", "training_job": "../x"}, "training_job"),
        ({"step": "look_at_job", "training_job": "train-20251016-001", "job": "a/b"}, "job"),
    ],
)
def test_an_invalid_event_is_rejected_with_its_field(event, field):
    with pytest.raises(InvalidInputError) as raised:
        handler(event, None)
    assert raised.value.details["field"] == field
