"""The Lambda handler with S3, SQS and Secrets Manager simulated by moto."""

import json

import pytest

from lambdas.collection.dependencies import build_dependencies
from lambdas.collection.handler import handler
from lambdas.collection.settings import CollectionSettings


@pytest.fixture
def deployed(function_environment):
    """Settings of the function, with the environment of a deployment."""
    build_dependencies.cache_clear()
    yield CollectionSettings()
    build_dependencies().database.close()
    build_dependencies.cache_clear()


def receive(sqs, url):
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [
        {"messageId": m["MessageId"], "body": m["Body"], "eventSource": "aws:sqs"} for m in messages
    ]


def test_an_upload_is_collected_through_s3_notifications(
    deployed, aws_client, make_review, make_dump, rows
):
    s3, sqs = aws_client("s3"), aws_client("sqs")
    arn = sqs.get_queue_attributes(
        QueueUrl=deployed.collection_queue_url, AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    s3.put_bucket_notification_configuration(
        Bucket=deployed.raw_bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    s3.put_object(
        Bucket=deployed.raw_bucket,
        Key="uploads/my dump ü.jsonl",
        Body=make_dump(make_review(n) for n in range(60)),
    )
    records = receive(sqs, deployed.collection_queue_url)
    assert records
    assert handler({"Records": records}, None) == {"batchItemFailures": []}
    assert rows("SELECT key, status FROM ingests") == [("uploads/my dump ü.jsonl", "collected")]
    assert rows("SELECT count(*) FROM reviews") == [(60,)]
    (shard,) = receive(sqs, deployed.processing_queue_url)
    key = json.loads(shard["body"])["key"]
    assert s3.head_object(Bucket=deployed.clean_bucket, Key=key)["ContentLength"] > 0


def test_only_failed_messages_are_redelivered(deployed, aws_client, make_review, make_dump):
    body = make_dump([make_review(1)])
    etag = aws_client("s3").put_object(Bucket=deployed.raw_bucket, Key="uploads/a", Body=body)
    event = {
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": deployed.raw_bucket},
            "object": {"key": "uploads/a", "eTag": etag["ETag"].strip('"')},
        },
    }
    good = {
        "messageId": "good",
        "eventSource": "aws:sqs",
        "body": json.dumps({"Records": [event]}),
    }
    response = handler({"Records": [{**good, "messageId": "bad", "body": "no json"}, good]}, None)
    assert response == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_the_schedule_runs_a_sweep(deployed, aws_client, make_review, make_dump):
    aws_client("s3").put_object(
        Bucket=deployed.raw_bucket, Key="uploads/a", Body=make_dump([make_review(1)])
    )
    handler({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, None)
    assert len(receive(aws_client("sqs"), deployed.collection_queue_url)) == 1
    handler({"source": "aws.events", "detail": {"force": True}}, None)
    assert len(receive(aws_client("sqs"), deployed.collection_queue_url)) == 1


def test_the_dependencies_do_not_print_the_reviewer_key(deployed):
    assert "0f0f" not in repr(build_dependencies())
