"""The Lambda handler over S3, SQS and Secrets Manager as moto has them."""

import json

import pytest

from lambdas.collection.dependencies import build_dependencies
from lambdas.collection.handler import handler
from lambdas.collection.settings import CollectionSettings


@pytest.fixture
def deployed(function_environment):
    """The function as a deployment sets it up; gives its settings."""
    build_dependencies.cache_clear()
    yield CollectionSettings()
    build_dependencies(CollectionSettings()).database.close()
    build_dependencies.cache_clear()


def messages_of(sqs, url):
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [
        {"messageId": m["MessageId"], "body": m["Body"], "eventSource": "aws:sqs"} for m in found
    ]


def test_an_upload_arrives_through_real_notifications(
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
    records = messages_of(sqs, deployed.collection_queue_url)
    assert records
    assert handler({"Records": records}, None) == {"batchItemFailures": []}
    assert rows("SELECT key, status FROM ingests") == [("uploads/my dump ü.jsonl", "collected")]
    assert rows("SELECT count(*) FROM reviews") == [(60,)]
    (shard,) = messages_of(sqs, deployed.processing_queue_url)
    key = json.loads(shard["body"])["key"]
    assert s3.head_object(Bucket=deployed.clean_bucket, Key=key)["ContentLength"] > 0


def test_only_the_messages_that_failed_come_again(deployed, aws_client, make_review, make_dump):
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
    answer = handler({"Records": [{**good, "messageId": "bad", "body": "no json"}, good]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_the_schedule_sweeps(deployed, aws_client, make_review, make_dump):
    aws_client("s3").put_object(
        Bucket=deployed.raw_bucket, Key="uploads/a", Body=make_dump([make_review(1)])
    )
    handler({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, None)
    assert len(messages_of(aws_client("sqs"), deployed.collection_queue_url)) == 1
    handler({"source": "aws.events", "detail": {"force": True}}, None)
    assert len(messages_of(aws_client("sqs"), deployed.collection_queue_url)) == 1


def test_the_dependencies_do_not_print_the_reviewer_key(deployed):
    assert "0f0f" not in repr(build_dependencies(deployed))
