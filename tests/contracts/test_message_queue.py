"""The behaviour of every MessageQueue: SQS (moto) and in memory."""

import pytest

from shared.errors import UnavailableError
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.storage.queues import SqsQueue
from tests.fakes.queues import MemoryQueue


@pytest.fixture(params=["sqs", "memory"])
def queue(request):
    """(queue, function that takes all bodies)."""
    if request.param == "memory":
        memory = MemoryQueue()
        return memory, memory.take
    sqs, url = request.getfixturevalue("aws_client")("sqs"), request.getfixturevalue("new_queue")()

    def take():
        bodies = []
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in batch]
        return bodies

    return SqsQueue(sqs, url), take


def test_every_message_arrives_once_whatever_their_number(queue):
    sender, take = queue
    messages = [
        ProcessShard(ingest_id="ing_ü", part=part, key=f"k{part}", rows=1) for part in range(23)
    ]
    sender.send(messages)
    received = sorted(
        (ProcessShard.model_validate_json(body) for body in take()), key=lambda m: m.part
    )
    assert received == messages


def test_sending_no_messages_is_not_an_error(queue):
    sender, take = queue
    sender.send([])
    sender.send([BuildIndex(reason="x")])
    assert [BuildIndex.model_validate_json(body).reason for body in take()] == ["x"]


def test_a_missing_queue_is_unavailable(aws_client, new_queue):
    with pytest.raises(UnavailableError):
        SqsQueue(aws_client("sqs"), new_queue() + "-gone").send([BuildIndex()])
