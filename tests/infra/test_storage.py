"""Buckets, the notification of new dumps, and what becomes of data."""

import re

import pytest

from shared.storage import layout
from tests.infra.templates import Assembly, Resource

pytestmark = pytest.mark.timeout(600)


def _bucket(assembly: Assembly, environment: str, name: str) -> Resource:
    found = assembly.one(environment, "storage").all("AWS::S3::Bucket")
    return next(bucket for bucket in found if re.fullmatch(f"{name}[0-9A-F]{{8}}", bucket.name))


def test_a_new_dump_is_told_to_the_queue_of_collection(assembly: Assembly):
    raw = _bucket(assembly, "prod", "Raw")
    (told,) = raw.properties["NotificationConfiguration"]["QueueConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    assert told["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": layout.UPLOADS}]
    (source,) = assembly.one("prod", "collection").all("AWS::Lambda::EventSourceMapping")
    fed = assembly.target(source.stack, source.properties["EventSourceArn"])
    assert assembly.target(raw.stack, told["Queue"]) == fed


def test_s3_may_send_to_that_queue_before_the_bucket_is_there(assembly: Assembly):
    raw = _bucket(assembly, "prod", "Raw")
    (told,) = raw.properties["NotificationConfiguration"]["QueueConfigurations"]
    queue = assembly.target(raw.stack, told["Queue"])
    (policy,) = (
        found
        for found in raw.stack.all("AWS::SQS::QueuePolicy")
        if assembly.target(raw.stack, found.properties["Queues"][0]) == queue
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
    # the generated name of the bucket begins like this; the bucket has no other name
    pattern = allowed["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1]
    assert pattern == ":s3:::reviewlens-prod-storage-*"
    assert "BucketName" not in raw.properties


def test_s3_needs_no_key_for_that_queue(assembly: Assembly):
    raw = _bucket(assembly, "prod", "Raw")
    (told,) = raw.properties["NotificationConfiguration"]["QueueConfigurations"]
    queue = assembly.resource(raw.stack, told["Queue"])
    assert queue.properties["SqsManagedSseEnabled"] is True


def test_data_is_encrypted_by_our_key_and_access_logs_by_s3(assembly: Assembly):
    for name in ("Raw", "Clean", "Artefacts", "Logs"):
        said = _bucket(assembly, "prod", name).properties["BucketEncryption"]
        (rule,) = said["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        # S3 writes no access log into a bucket that KMS encrypts
        assert default["SSEAlgorithm"] == ("AES256" if name == "Logs" else "aws:kms"), name
        assert rule.get("BucketKeyEnabled", False) == (name != "Logs")


@pytest.mark.parametrize(
    "kind", ["AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret"]
)
def test_production_keeps_data_whatever_becomes_of_its_stack(assembly: Assembly, kind: str):
    found = [resource for resource in assembly.all(kind) if resource.stack.environment == "prod"]
    assert found
    for resource in found:
        # the owner's secret goes with the database, of which a snapshot stays
        kept = "Delete" if "ClusterSecret" in resource.name else "RetainExceptOnCreate"
        assert resource.definition["DeletionPolicy"] == kept, str(resource)


def test_dumps_get_cheaper_and_are_never_deleted(assembly: Assembly):
    rules = _bucket(assembly, "prod", "Raw").properties["LifecycleConfiguration"]["Rules"]
    assert any(rule.get("Transitions") for rule in rules)
    assert not any("ExpirationInDays" in rule for rule in rules)


def test_nothing_that_answers_need_is_ever_deleted_by_age(assembly: Assembly):
    needed = ("activations/", "embeddings/", "indexes/", "models/", "pointers/", "reviews/")
    for name in ("Clean", "Artefacts"):
        for rule in _bucket(assembly, "prod", name).properties["LifecycleConfiguration"]["Rules"]:
            if "ExpirationInDays" in rule:
                assert rule["Prefix"], rule
                assert not rule["Prefix"].startswith(needed), rule
