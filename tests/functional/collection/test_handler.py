"""The Lambda handler with S3, SQS and Secrets Manager simulated by moto."""

import json

import pytest

from lambdas.collection.dependencies import build_dependencies
from lambdas.collection.handler import handler
from lambdas.collection.settings import CollectionSettings
from shared.errors import InvalidInputError


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


def test_a_direct_s3_event_is_collected(deployed, aws_client, make_review, make_dump, rows):
    s3 = aws_client("s3")
    events = []
    for name in ("a", "b"):
        body = make_dump([make_review(ord(name))])
        s3.put_object(Bucket=deployed.raw_bucket, Key=f"uploads/{name}", Body=body)
        events.append(
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "bucket": {"name": deployed.raw_bucket},
                    "object": {"key": f"uploads/{name}"},
                },
            }
        )
    assert handler({"Records": events}, None) == {"status": "done"}
    assert rows("SELECT key, status FROM ingests ORDER BY key") == [
        ("uploads/a", "collected"),
        ("uploads/b", "collected"),
    ]


def test_the_event_bus_invokes_the_function_directly(
    deployed, aws_client, make_review, make_dump, rows
):
    body = make_dump([make_review(1)])
    aws_client("s3").put_object(Bucket=deployed.raw_bucket, Key="uploads/a+b", Body=body)
    detail = {"bucket": {"name": deployed.raw_bucket}, "object": {"key": "uploads/a+b"}}
    handler({"source": "aws.s3", "detail-type": "Object Created", "detail": detail}, None)
    assert rows("SELECT key, status FROM ingests") == [("uploads/a+b", "collected")]


def test_a_direct_event_of_another_kind_is_refused(deployed):
    assert handler({"Service": "Amazon S3", "Event": "s3:TestEvent"}, None) == {"status": "done"}
    with pytest.raises(InvalidInputError):
        handler({"hello": "world"}, None)


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
