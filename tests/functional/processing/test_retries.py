"""Failed messages return soon: the handler itself makes them visible again."""

import threading
import time

import pytest

from lambdas.processing import handler
from local.stack.event_source import EventSource, Mapping
from shared.errors import UnavailableError
from shared.schemas.messages import ProcessShard
from tests.freezing import frozen

pytestmark = pytest.mark.timeout(180)
BLIP_SECONDS = 5
QUEUE_SECONDS = 5400


@pytest.fixture
def sqs(aws_client):
    return aws_client("sqs")


@pytest.fixture
def url(sqs, new_queue):
    """A work queue with the visibility timeout of production."""
    url = new_queue()
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(QUEUE_SECONDS)})
    return url


@pytest.fixture
def hidden(sqs, url, monkeypatch, function_environment):
    """Seconds for which the handler hid failed messages, in order."""
    from shared.http import backoff
    from shared.storage.clients import client

    backoff._queue_url.cache_clear()
    client.cache_clear()
    seconds = []
    client("sqs").meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibilityBatch",
        lambda params, **_: seconds.extend(e["VisibilityTimeout"] for e in params["Entries"]),
    )
    yield seconds
    client.cache_clear()
    backoff._queue_url.cache_clear()


@pytest.fixture
def source(sqs, url, monkeypatch, dependencies):
    """``source(batch_size=1)``: the event source of the queue, calling the real handler."""
    monkeypatch.setattr(handler, "build_dependencies", lambda: dependencies)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]

    def make(batch_size=1):
        mapping = Mapping(url, arn["QueueArn"], batch_size=batch_size, wait_seconds=1)
        return EventSource(sqs, mapping, handler.handler, "reviewlens-processing")

    return make


def send(sqs, url, *messages):
    for message in messages:
        sqs.send_message(QueueUrl=url, MessageBody=message.model_dump_json())


def is_processed(ledger, ingest_id):
    try:
        return ledger.report(ingest_id).shards_processed > 0
    except UnavailableError:
        return False


def test_a_blip_of_the_database_costs_seconds_and_no_dead_letter(
    sqs, url, hidden, source, collect, dependencies, postgres
):
    ingest_id, messages = collect(shards=1)
    send(sqs, url, *messages)
    polling = source()
    thread = threading.Thread(target=polling.run)
    try:
        with frozen(postgres.pid):
            thread.start()
            time.sleep(BLIP_SECONDS)  # the blip itself
            while not hidden:  # a slow machine takes longer to see it
                time.sleep(0.1)
        while not is_processed(dependencies.ledger, ingest_id):
            time.sleep(0.1)
    finally:
        polling.stop()
        thread.join()
    assert hidden
    assert BLIP_SECONDS + sum(hidden) < 60


def test_only_the_failed_messages_of_a_batch_return(
    sqs, url, hidden, source, collect, dependencies
):
    ingest_id, (message,) = collect(shards=1)
    send(sqs, url, message)
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    polling = source(batch_size=2)
    batch = []
    while len(batch) < 2:
        batch += polling._receive(2, 1)
    polling.deliver(batch)
    assert dependencies.ledger.report(ingest_id).shards_processed == 1
    assert len(hidden) == 1
    assert hidden[0] <= 5
    waiting = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert waiting["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_a_handler_without_its_settings_returns_the_messages_too(
    sqs, url, hidden, source, collect, monkeypatch
):
    def fail():
        raise ValueError("a setting is missing")

    polling = source()
    monkeypatch.setattr(handler, "build_dependencies", fail)
    send(sqs, url, ProcessShard(ingest_id="ing_1", part=0, key="k", rows=1))
    polling.deliver(polling._receive(1, 1))
    assert len(hidden) == 1


def test_without_sqs_the_failures_are_reported_all_the_same(monkeypatch, dependencies):
    from shared.storage import clients

    class Broken:
        def __getattr__(self, _name):
            raise OSError("no network")

    monkeypatch.setattr(clients, "client", lambda _service: Broken())
    monkeypatch.setattr(handler, "build_dependencies", lambda: dependencies)
    record = {
        "messageId": "m",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:unknown",
        "receiptHandle": "r",
        "body": "{}",
    }
    response = handler.handler({"Records": [record]}, None)
    assert response == {"batchItemFailures": [{"itemIdentifier": "m"}]}
