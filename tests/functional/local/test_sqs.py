"""Queues under concurrent use, and the messages of a dead consumer."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from local.aws.sqs import LockedQueues, release_in_flight
from local.names import REGION
from tests.training import wait_until


@pytest.fixture
def backend():
    """moto's queues with the hooks installed, without a server."""
    sqs = sqs_backends[DEFAULT_ACCOUNT_ID][REGION]
    hooks = LockedQueues()
    hooks.install()
    sqs.create_queue("work")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # provokes races between threads
    yield sqs
    sys.setswitchinterval(interval)
    hooks.uninstall()
    sqs.reset()


def test_no_message_is_lost_between_sending_and_deleting(backend):
    old, new = 200, 100
    for n in range(old):
        backend.send_message("work", f"old {n}")
    received = [m for _ in range(old // 10) for m in backend.receive_message("work", 10, 0, 600)]
    start = threading.Barrier(4)

    def send(sender):
        start.wait()
        for n in range(new):
            backend.send_message("work", f"{sender}:{n}")

    def delete(messages):
        start.wait()
        for message in messages:
            backend.delete_message("work", message.receipt_handle)

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(send, sender) for sender in range(2)]
        tasks += [pool.submit(delete, received[half::2]) for half in range(2)]
        for task in tasks:
            task.result()
    remaining = sorted(message.body for message in backend.get_queue("work")._messages)
    assert remaining == sorted(f"{sender}:{n}" for sender in range(2) for n in range(new))


def test_a_waiting_consumer_does_not_block_sending(backend):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(backend.receive_message, "work", 10, 20, 600)
        backend.send_message("work", "late")
        assert [message.body for message in waiting.result()] == ["late"]


def test_messages_of_a_dead_consumer_return_to_the_queue(aws):
    first, other = aws.queue("first", VisibilityTimeout="3600"), aws.queue("other")
    for n in range(3):
        aws.sqs.send_message(QueueUrl=first, MessageBody=str(n))
    aws.sqs.send_message(QueueUrl=other, MessageBody="other")
    assert len(aws.bodies(first)) == 3
    assert aws.bodies(first) == []
    assert aws.bodies(other) == ["other"]
    assert release_in_flight(REGION, ["first"]) == 3
    assert sorted(aws.bodies(first)) == ["0", "1", "2"]
    assert aws.bodies(other) == []


@pytest.fixture
def abandon_poll(aws):
    """Starts a long poll and closes its connection, as the end of a process does."""
    client = boto3.client(
        "sqs",
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id=aws.keys.access_key,
        aws_secret_access_key=aws.keys.secret_key,
        config=Config(read_timeout=0.2, retries={"total_max_attempts": 1}),
    )

    def abandon(url):
        with pytest.raises(ReadTimeoutError):
            client.receive_message(QueueUrl=url, WaitTimeSeconds=20)

    return abandon


@pytest.fixture
def abandoned(aws):
    """A queue of two messages of one group; a consumer received the first one and died."""
    url = aws.queue(VisibilityTimeout="3600")
    for n in range(2):
        aws.sqs.send_message(QueueUrl=url, MessageBody=f"{n}", MessageGroupId="group")
    assert aws.bodies(url) == ["0"]
    return url


def test_a_poll_that_a_dead_consumer_left_behind_takes_no_message(aws, abandoned, abandon_poll):
    threads = threading.active_count()
    abandon_poll(abandoned)
    assert release_in_flight(REGION, ["work"]) == 1
    wait_until(lambda: threading.active_count() <= threads, what="the end of the poll")
    assert aws.bodies(abandoned) == ["0"]


def test_a_poll_of_a_dead_consumer_that_starts_late_takes_no_message(aws, abandoned, abandon_poll):
    threads = threading.active_count()
    with aws.moto_queue(abandoned)._messages_lock:  # holds the poll up before it starts
        abandon_poll(abandoned)
        assert release_in_flight(REGION, ["work"]) == 1
    wait_until(lambda: threading.active_count() <= threads, what="the end of the poll")
    assert aws.bodies(abandoned) == ["0"]


def test_only_messages_in_flight_are_released(aws):
    url = aws.queue(VisibilityTimeout="3600")
    aws.sqs.send_message(QueueUrl=url, MessageBody="done")
    (message,) = aws.sqs.receive_message(QueueUrl=url)["Messages"]
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    aws.sqs.send_message(QueueUrl=url, MessageBody="fresh")
    assert release_in_flight(REGION, ["work"]) == 0
    assert aws.bodies(url) == ["fresh"]


def test_a_waiting_consumer_receives_released_messages(aws):
    url = aws.queue(VisibilityTimeout="3600")
    aws.sqs.send_message(QueueUrl=url, MessageBody="again")
    assert aws.bodies(url) == ["again"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(aws.sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        wait_until(lambda: aws.moto_queue(url)._messages_lock._waiters, what="a long poll")
        assert release_in_flight(REGION, ["work"]) == 1
        assert [m["Body"] for m in waiting.result()["Messages"]] == ["again"]
