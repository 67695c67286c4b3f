"""A handler sees a queue as it would behind Lambda's event source mapping."""

import json
import threading
from pathlib import Path

import pytest

from local.stack.event_source import Context, EventSource, Mapping

EXAMPLE = Path(__file__).parents[2] / "events" / "sqs_process_shard.json"


class Function:
    """A handler that gives the next of its answers and stops its source after the last one."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.events = []
        self.contexts = []

    def __call__(self, event, context):
        self.events.append(event)
        self.contexts.append(context)
        answer = self.answers.pop(0)
        if not self.answers:
            self.source.stop()
        if isinstance(answer, Exception):
            raise answer
        return answer(event) if callable(answer) else answer

    @property
    def batches(self):
        return [[record["body"] for record in event["Records"]] for event in self.events]


@pytest.fixture
def on_call(aws):
    """``on_call(event, hook)``: the SQS client calls a hook during this test."""
    hooks = []

    def register(event, hook):
        hooks.append((event, hook))
        aws.sqs.meta.events.register(event, hook)

    yield register
    for event, hook in hooks:
        aws.sqs.meta.events.unregister(event, hook)


@pytest.fixture
def url(aws):
    return aws.queue(VisibilityTimeout="3600")


@pytest.fixture
def consume(aws, url):
    """Runs an event source over the queue until the function's last answer."""

    def run(*answers, queue=None, **mapping):
        function = Function(*answers)
        asked = queue or url
        mapping = {"wait_seconds": 1, "retry_base_seconds": None} | mapping
        about = Mapping(queue_url=asked, queue_arn=aws.arn(asked), **mapping)
        function.source = EventSource(aws.sqs, about, function, "reviewlens-test")
        function.source.run()
        return function

    return run


@pytest.fixture
def send(aws, url):
    def make(*bodies, queue=None, **more):
        return [
            aws.sqs.send_message(QueueUrl=queue or url, MessageBody=body, **more)["MessageId"]
            for body in bodies
        ]

    return make


@pytest.fixture
def left(aws, url):
    """Bodies of the messages that are still in the queue, visible or not."""
    return lambda: sorted(message.body for message in aws.moto_queue(url)._messages)


def failures(*bodies):
    """Answers with a report that these messages of the batch failed."""

    def answer(event):
        failed = [r["messageId"] for r in event["Records"] if r["body"] in bodies]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    return answer


def test_the_event_has_the_shape_that_aws_documents(consume, send, aws, url):
    example = json.loads(EXAMPLE.read_text())["Records"][0]
    (message_id,) = send("body")
    (event,) = consume(None).events
    assert event.keys() == {"Records"}
    (record,) = event["Records"]
    assert record.keys() == example.keys()
    assert record["attributes"].keys() >= example["attributes"].keys()
    assert all(isinstance(value, str) for value in record["attributes"].values())
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageId"] == message_id
    assert record["body"] == "body"
    assert record["md5OfBody"] == "841a2d689ad86bd1611447453c22c6fc"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == aws.arn(url)
    assert record["awsRegion"] == "us-east-1"


def test_message_attributes_are_spelled_as_lambda_does(consume, send):
    send(
        "body",
        MessageAttributes={
            "text": {"DataType": "String", "StringValue": "1"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )
    (event,) = consume(None).events
    empty = {"stringListValues": [], "binaryListValues": []}
    assert event["Records"][0]["messageAttributes"] == {
        "text": {**empty, "dataType": "String", "stringValue": "1"},
        "bytes": {**empty, "dataType": "Binary", "binaryValue": "AP8="},
    }
    json.dumps(event)


def test_the_context_is_that_of_the_function(consume, send):
    send("body")
    (context,) = consume(None, timeout_seconds=900).contexts
    assert context.function_name == "reviewlens-test"
    assert context.invoked_function_arn.endswith(":function:reviewlens-test")
    assert context.log_group_name == "/aws/lambda/reviewlens-test"
    assert context.aws_request_id
    assert 0 < context.get_remaining_time_in_millis() <= 900_000
    assert Context("f", timeout_seconds=-1).get_remaining_time_in_millis() == 0


@pytest.mark.parametrize(
    "answer", [None, "", {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}]
)
def test_a_batch_that_succeeds_is_deleted(consume, send, left, answer):
    send("a", "b")
    assert sorted(consume(answer).batches[0]) == ["a", "b"]
    assert left() == []


def test_named_messages_fail_alone(consume, send, left):
    send("a", "b", "c")
    consume(failures("b"))
    assert left() == ["b"]


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError("bug"),
        "words",
        3,
        [],
        ["a"],
        {"batchItemFailures": 3},
        {"batchItemFailures": ["id"]},
        {"batchItemFailures": [{"itemIdentifier": "unknown"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": ["id"]}]},
        {"batchItemFailures": [{"wrongName": "id"}]},
        {"not": {"json"}},
    ],
)
def test_a_fault_or_an_answer_without_sense_fails_the_whole_batch(consume, send, left, answer):
    send("a", "b")
    consume(answer)
    assert left() == ["a", "b"]


def test_one_unknown_name_fails_the_whole_batch(consume, send, left):
    send("a", "b")

    def answer(event):
        known = event["Records"][0]["messageId"]
        return {"batchItemFailures": [{"itemIdentifier": known}, {"itemIdentifier": "unknown"}]}

    consume(answer)
    assert left() == ["a", "b"]


def test_batches_are_as_large_as_the_mapping_says(consume, send, left):
    send(*"abcde")
    batches = consume(None, None, None, batch_size=2).batches
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert sorted(body for batch in batches for body in batch) == list("abcde")
    assert left() == []


def test_a_batch_may_be_larger_than_one_receive(consume, send, left):
    bodies = [f"{n:02}" for n in range(12)]
    send(*bodies)
    (batch,) = consume(None, batch_size=12, window_seconds=60).batches
    assert sorted(batch) == bodies
    assert left() == []


def test_a_window_waits_for_more(on_call, consume, send):
    receipts = []

    def send_after_an_empty_receipt(parsed, **_):
        receipts.append(len(parsed.get("Messages", [])))
        if receipts == [1, 0]:
            send("second")

    send("first")
    on_call("after-call.sqs.ReceiveMessage", send_after_an_empty_receipt)
    assert consume(None, batch_size=2, window_seconds=60).batches == [["first", "second"]]


def test_a_window_ends(consume, send):
    send("only")
    assert consume(None, batch_size=2, window_seconds=0.1).batches == [["only"]]


@pytest.fixture
def pauses(on_call):
    """Seconds for which failed messages were put back."""
    seen = []
    on_call(
        "provide-client-params.sqs.ChangeMessageVisibility",
        lambda params, **_: seen.append(params["VisibilityTimeout"]),
    )
    return seen


def test_a_failed_message_waits_longer_with_every_receipt(aws, url, send, pauses):
    send("a")
    about = Mapping(queue_url=url, queue_arn=aws.arn(url), retry_base_seconds=5.0)
    source = EventSource(aws.sqs, about, Function(*[RuntimeError()] * 9), "f")
    source._handler.source = source
    (message,) = aws.sqs.receive_message(QueueUrl=url)["Messages"]
    for received in (1, 2, 3, 9):
        source.deliver([message | {"Attributes": {"ApproximateReceiveCount": str(received)}}])
    assert pauses == [5, 10, 20, 300]
    assert aws.bodies(url) == []


def test_without_a_pause_the_visibility_timeout_rules(consume, send, left, pauses, aws, url):
    send("a")
    consume(RuntimeError(), retry_base_seconds=None)
    assert pauses == []
    assert left() == ["a"]
    assert aws.bodies(url) == []


def test_a_failed_message_comes_again_with_a_higher_count(consume, send, left):
    send("a")
    function = consume(RuntimeError(), failures("a"), None, retry_base_seconds=0)
    assert [
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in function.events
    ] == ["1", "2", "3"]
    assert left() == []


def test_what_fails_too_often_goes_to_the_dead_letter_queue(aws, consume, send):
    dead = aws.queue("dead")
    redrive = {"deadLetterTargetArn": aws.arn(dead), "maxReceiveCount": 3}
    url = aws.queue("alive", RedrivePolicy=json.dumps(redrive), VisibilityTimeout="3600")
    send("poison", queue=url)

    def fail_and_go_on(event):
        if event["Records"][0]["body"] == "poison" and len(seen) < 3:
            seen.append(1)
            if len(seen) == 3:
                send("good", queue=url)
            raise RuntimeError

    seen = []
    function = consume(*[fail_and_go_on] * 4, queue=url, retry_base_seconds=0, batch_size=1)
    assert function.batches == [["poison"]] * 3 + [["good"]]
    assert aws.bodies(dead) == ["poison"]
    assert aws.moto_queue(url)._messages == []


def test_stop_finishes_the_batch_in_hand_and_takes_no_other(aws, url, send, left):
    send("in hand", "waiting")
    started, may_end = threading.Event(), threading.Event()
    seen = []

    def handler(event, _context):
        seen.extend(record["body"] for record in event["Records"])
        started.set()
        assert may_end.wait(30)

    about = Mapping(queue_url=url, queue_arn=aws.arn(url), batch_size=1, wait_seconds=1)
    source = EventSource(aws.sqs, about, handler, "f")
    thread = threading.Thread(target=source.run)
    thread.start()
    assert started.wait(30)
    source.stop()
    assert thread.is_alive()
    may_end.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(seen) == 1
    assert left() == sorted({"in hand", "waiting"} - set(seen))


def test_a_queue_that_does_not_answer_is_asked_again(aws, on_call, send, left, consume):
    send("a")
    broken = ["ReceiveMessage", "DeleteMessageBatch"]

    def fail_once(model, **_):
        if model.name in broken:
            broken.remove(model.name)
            raise aws.sqs.exceptions.QueueDoesNotExist({"Error": {}}, model.name)

    on_call("before-call.sqs", fail_once)
    consume(None)
    assert broken == []
    assert left() == ["a"]
