"""What the flow makes of SageMaker's answers."""

import json

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from lambdas.promotion import requests
from lambdas.promotion.handler import handler
from lambdas.promotion.jobs import Jobs
from lambdas.promotion.settings import PromotionSettings
from shared.errors import ConflictError, InvalidInputError, ReviewlensError, UnavailableError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:processing-job/x"
NEEDED = {
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
    return Jobs(stub.client)


def described(stub, status, **more):
    cluster = {"InstanceCount": 1, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 1}
    answer = {
        "ProcessingJobName": "x", "ProcessingJobArn": ARN, "ProcessingJobStatus": status,
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {"ImageUri": "i"}, "CreationTime": 0,
    }  # fmt: skip
    stub.add_response("describe_processing_job", answer | more)


def unknown(stub):
    stub.add_client_error(
        "describe_processing_job",
        "ValidationException",
        "Could not find requested job with name: x",
    )


def test_the_reason_is_the_containers_word_before_sagemakers(jobs, stub):
    told = {"FailureReason": "AlgorithmError: , exit code: 1"}
    described(stub, "Failed", ExitMessage=json.dumps({"reason": "no rows"}), **told)
    described(stub, "Failed", ExitMessage="killed", **told)
    described(stub, "Failed", **told)
    described(stub, "Stopped")
    said = [jobs.processing("x") for _ in range(4)]
    assert [each.reason for each in said] == [
        "no rows", "killed", told["FailureReason"], "the job was stopped",
    ]  # fmt: skip
    assert [each.state for each in said] == ["failed"] * 3 + ["stopped"]


def test_a_start_that_is_repeated_finds_the_job_that_runs(jobs, stub):
    described(stub, "InProgress")
    assert jobs.start("candidate-t", {}) == "candidate-t-1"


def test_after_a_job_that_has_ended_comes_the_next_number(jobs, stub):
    described(stub, "Failed")
    described(stub, "Completed")
    unknown(stub)
    request = requests.activation(PromotionSettings(**NEEDED), "v-1", "eu-west-1")
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
def test_what_can_be_tried_again_is_told_from_what_cannot(jobs, stub, code, error):
    unknown(stub)
    stub.add_client_error("create_processing_job", code, "because")
    request = requests.candidate(PromotionSettings(**NEEDED), {"run": "s3://a/b"}, "s3://a/c")
    with pytest.raises(error, match="candidate-t-1") as caught:
        jobs.start("candidate-t", request)
    assert caught.value.retryable == (error is not ReviewlensError)


def test_no_answer_is_unavailable():
    class Down:
        def describe_training_job(self, **_):
            raise EndpointConnectionError(endpoint_url="https://sagemaker.example")

    with pytest.raises(UnavailableError, match="does not answer"):
        Jobs(Down()).training("train-20251016-001")


def test_the_activation_job_connects_as_the_functions_do():
    made = requests.activation(PromotionSettings(**NEEDED), "v-1", "eu-west-1")
    assert made["Environment"]["REVIEWLENS_DATABASE_HOST"] == "proxy.example"
    assert made["Environment"]["REVIEWLENS_DATABASE_USER"] == "reviewlens_app"
    assert "REVIEWLENS_DATABASE_SECRET_ID" not in made["Environment"]
    assert "NetworkConfig" not in made


def test_a_key_guards_disks_and_output():
    keyed = PromotionSettings(**NEEDED, jobs_kms_key="key")
    made = requests.candidate(keyed, {}, "s3://a/c")
    assert made["ProcessingOutputConfig"]["KmsKeyId"] == "key"
    assert made["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == "key"


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({}, "step"),
        ({"step": "burn", "training_job": "train-20251016-001"}, "step"),
        ({"step": "register", "training_job": "../x"}, "training_job"),
        ({"step": "look_at_job", "training_job": "train-20251016-001", "job": "a/b"}, "job"),
    ],
)
def test_an_event_that_is_none_names_its_field(event, field):
    with pytest.raises(InvalidInputError) as caught:
        handler(event, None)
    assert caught.value.details["field"] == field
