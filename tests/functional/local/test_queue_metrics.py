"""Metrics of the queues, read from a simulated SQS."""

import json
import logging
import time

import pytest
from prometheus_client import CollectorRegistry

from local.services.queue_metrics import AGE, DEAD_LETTERS, MESSAGES, QueueMetrics
from local.stack.event_source import EventSource, Mapping


@pytest.fixture
def urls(aws_client, new_queue):
    """A queue with dead letters, and one that does not exist."""
    sqs, url, dead = aws_client("sqs"), new_queue(), new_queue()
    name = ["QueueArn"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=name)["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=dead, MessageBody="failed")
    for body in ("first", "second"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    return {"index": url, "pictures": f"{url}-none"}


def test_messages_their_age_and_dead_letters_are_counted(aws_client, urls, caplog):
    caplog.set_level(logging.WARNING)
    sqs = aws_client("sqs")
    mapping = Mapping(urls["index"], "arn:aws:sqs:eu-west-1:1:q", batch_size=1)
    source = EventSource(sqs, mapping, print, "index")

    def sent():
        return {"index": source.oldest_sent - 60} if source.oldest_sent else {}

    registry = CollectorRegistry()
    metrics = QueueMetrics(sqs, urls, sent)
    registry.register(metrics)

    def value(name, **labels):
        return registry.get_sample_value(name, {"queue": "index", **labels})

    assert value(AGE) == 0
    assert value(MESSAGES, state="waiting") is None
    metrics.refresh()
    assert value(MESSAGES, state="waiting") == 2
    (message,) = source._collect_batch()
    metrics.refresh()
    metrics.refresh()
    states = {state: value(MESSAGES, state=state) for state in ("waiting", "in_work", "delayed")}
    assert states == {"waiting": 1, "in_work": 1, "delayed": 1}
    assert value(DEAD_LETTERS) == 1
    assert value(AGE) == pytest.approx(time.time() - source.oldest_sent + 60, abs=30)
    assert source.oldest_sent == int(message["Attributes"]["SentTimestamp"]) / 1000
    # what cannot be read has no values, and one line says so
    assert registry.get_sample_value(DEAD_LETTERS, {"queue": "pictures"}) is None
    assert caplog.text.count("the queue pictures has no metrics") == 1
