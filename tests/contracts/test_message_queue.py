"""What every MessageQueue does: SQS (over moto) and the one in memory."""

import pytest

from shared.errors import UnavailableError
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.storage.queues import SqsQueue
from tests.fakes.queues import MemoryQueue


@pytest.fixture(params=["sqs", "memory"])
def queue(request):
    """(queue, take all bodies)."""
    if request.param == "memory":
        memory = MemoryQueue()
        return memory, memory.take
    sqs, url = request.getfixturevalue("aws_client")("sqs"), request.getfixturevalue("new_queue")()

    def take():
        bodies = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in found]
        return bodies

    return SqsQueue(sqs, url), take


def test_every_message_arrives_once_however_many_there_are(queue):
    sender, take = queue
    messages = [
        ProcessShard(ingest_id="ing_ü", part=part, key=f"k{part}", rows=1) for part in range(23)
    ]
    sender.send(messages)
    got = sorted((ProcessShard.model_validate_json(body) for body in take()), key=lambda m: m.part)
    assert got == messages


def test_nothing_to_send_is_no_error(queue):
    sender, take = queue
    sender.send([])
    sender.send([BuildIndex(reason="x")])
    assert [BuildIndex.model_validate_json(body).reason for body in take()] == ["x"]


def test_a_queue_that_is_not_there_is_unavailable(aws_client, new_queue):
    with pytest.raises(UnavailableError):
        SqsQueue(aws_client("sqs"), new_queue() + "-gone").send([BuildIndex()])
