"""The order in which queues give messages to consumers: fair between groups."""

import json

import pytest

from local.aws.fair import LARGE_OBJECT_BYTES


@pytest.fixture
def url(aws):
    return aws.queue(VisibilityTimeout="3600")


@pytest.fixture
def send(aws, url):
    def send(*bodies, group=None):
        for body in bodies:
            aws.sqs.send_message(
                QueueUrl=url, MessageBody=body, **({"MessageGroupId": group} if group else {})
            )

    return send


@pytest.fixture
def receive(aws, url):
    """Receive one message: its body, and its receipt."""

    def receive():
        messages = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages", [])
        return (messages[0]["Body"], messages[0]["ReceiptHandle"]) if messages else (None, None)

    return receive


@pytest.fixture
def work(aws, url, receive):
    """Receive and delete messages one at a time, until there are none."""

    def work(count):
        bodies = []
        for _ in range(count):
            body, receipt = receive()
            aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
            bodies.append(body)
        return bodies

    return work


def test_a_small_group_does_not_wait_behind_a_large_one(send, receive, work, aws, url):
    send("large 0", "large 1", "large 2", group="large")
    body, receipt = receive()
    send("small", group="small")
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
    assert [body, *work(3)] == ["large 0", "small", "large 1", "large 2"]


def test_groups_take_turns(send, work):
    send("a0", "a1", "a2", group="a")
    send("b0", "b1", "b2", group="b")
    assert work(6) == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_a_group_does_not_occupy_all_consumers(send, receive, aws, url):
    send("large 0", "large 1", group="large")
    _, receipt = receive()
    assert receive() == (None, None)
    send("small", group="small")
    assert receive()[0] == "small"
    aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
    assert receive()[0] == "large 1"


def test_a_failed_message_does_not_hold_up_its_group(send, receive, aws, url):
    send("fails", "works", group="dump")
    body, receipt = receive()
    aws.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=300)
    assert (body, receive()[0]) == ("fails", "works")


def test_every_waiting_message_is_counted(send, receive, aws, url):
    send("0", "1", "2", group="dump")
    receive()
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert counts == dict(zip(names, ("2", "1"), strict=True))


def test_large_objects_leave_a_consumer_to_small_ones(send, receive):
    def event(key, size):
        return json.dumps({"Records": [{"s3": {"object": {"key": key, "size": size}}}]})

    send(event("a", LARGE_OBJECT_BYTES), event("b", LARGE_OBJECT_BYTES), event("c", 10))
    received = [json.loads(receive()[0])["Records"][0]["s3"]["object"]["key"] for _ in range(2)]
    assert received == ["a", "c"]
    assert receive() == (None, None)
