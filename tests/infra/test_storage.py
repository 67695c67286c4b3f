"""Buckets, notifications of new dumps, and the retention of data."""

import re

import pytest

from cdk.environments import ENVIRONMENTS
from shared.storage import layout
from tests.infra.templates import Assembly, Resource

pytestmark = pytest.mark.timeout(600)


def _bucket(assembly: Assembly, environment: str, name: str) -> Resource:
    buckets = assembly.one(environment, "storage").all("AWS::S3::Bucket")
    return next(bucket for bucket in buckets if re.fullmatch(f"{name}[0-9A-F]{{8}}", bucket.name))


def test_new_dumps_are_announced_to_the_queue_of_collection(assembly: Assembly):
    raw = _bucket(assembly, "prod", "Raw")
    (notification,) = raw.properties["NotificationConfiguration"]["QueueConfigurations"]
    assert notification["Event"] == "s3:ObjectCreated:*"
    rules = notification["Filter"]["S3Key"]["Rules"]
    assert rules == [{"Name": "prefix", "Value": layout.UPLOADS}]
    (source,) = assembly.one("prod", "collection").all("AWS::Lambda::EventSourceMapping")
    queue = assembly.target(source.stack, source.properties["EventSourceArn"])
    assert assembly.target(raw.stack, notification["Queue"]) == queue


def test_s3_may_send_to_the_queue_before_the_bucket_exists(assembly: Assembly):
    raw = _bucket(assembly, "prod", "Raw")
    (notification,) = raw.properties["NotificationConfiguration"]["QueueConfigurations"]
    queue = assembly.target(raw.stack, notification["Queue"])
    (policy,) = (
        candidate
        for candidate in raw.stack.all("AWS::SQS::QueuePolicy")
        if assembly.target(raw.stack, candidate.properties["Queues"][0]) == queue
    )
    assert policy.name in raw.definition["DependsOn"]
    (allowed,) = (
        statement
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    )
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    # the generated name of the bucket has this prefix; the bucket has no other name
    pattern = allowed["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1]
    assert pattern == ":s3:::reviewlens-prod-storage-*"
    assert "BucketName" not in raw.properties


def test_pointers_that_move_are_announced_to_eventbridge(assembly: Assembly):
    for environment in ENVIRONMENTS:
        artefacts = _bucket(assembly, environment, "Artefacts")
        assert artefacts.properties["NotificationConfiguration"] == {
            "EventBridgeConfiguration": {"EventBridgeEnabled": True}
        }


def test_s3_needs_no_kms_key_for_the_queue(assembly: Assembly):
    raw = _bucket(assembly, "prod", "Raw")
    (notification,) = raw.properties["NotificationConfiguration"]["QueueConfigurations"]
    queue = assembly.resource(raw.stack, notification["Queue"])
    assert queue.properties["SqsManagedSseEnabled"] is True


def test_data_is_encrypted_with_our_key_and_access_logs_by_s3(assembly: Assembly):
    for name in ("Raw", "Clean", "Artefacts", "Logs"):
        encryption = _bucket(assembly, "prod", name).properties["BucketEncryption"]
        (rule,) = encryption["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        # S3 cannot write access logs to a bucket that KMS encrypts
        assert default["SSEAlgorithm"] == ("AES256" if name == "Logs" else "aws:kms"), name
        assert rule.get("BucketKeyEnabled", False) == (name != "Logs")


@pytest.mark.parametrize(
    "kind", ["AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret"]
)
def test_production_data_outlives_its_stack(assembly: Assembly, kind: str):
    resources = [r for r in assembly.all(kind) if r.stack.environment == "prod"]
    assert resources
    for resource in resources:
        # the owner's secret is deleted with the database, of which a snapshot remains
        policy = "Delete" if "ClusterSecret" in resource.name else "RetainExceptOnCreate"
        assert resource.definition["DeletionPolicy"] == policy, str(resource)


def test_dumps_move_to_cheaper_storage_and_never_expire(assembly: Assembly):
    rules = _bucket(assembly, "prod", "Raw").properties["LifecycleConfiguration"]["Rules"]
    assert any(rule.get("Transitions") for rule in rules)
    assert not any("ExpirationInDays" in rule for rule in rules)


def test_data_that_requests_need_never_expires(assembly: Assembly):
    permanent = ("activations/", "embeddings/", "indexes/", "models/", "pointers/")
    permanent += ("quarantine/", "reviews/")
    for name in ("Clean", "Artefacts"):
        for rule in _bucket(assembly, "prod", name).properties["LifecycleConfiguration"]["Rules"]:
            if "ExpirationInDays" in rule:
                assert rule["Prefix"], rule
                assert not rule["Prefix"].startswith(permanent), rule
