"""Event source mappings behave like those of Lambda."""

import json
import threading
from pathlib import Path

import pytest

from local.stack.event_source import Context, EventSource, Mapping

EXAMPLE = Path(__file__).parents[2] / "events" / "sqs_process_shard.json"


class Function:
    """A handler that returns each response in turn and stops its source after the last one."""

    def __init__(self, *responses):
        self.responses = list(responses)
        self.events = []
        self.contexts = []

    def __call__(self, event, context):
        self.events.append(event)
        self.contexts.append(context)
        response = self.responses.pop(0)
        if not self.responses:
            self.source.stop()
        if isinstance(response, Exception):
            raise response
        return response(event) if callable(response) else response

    @property
    def batches(self):
        return [[record["body"] for record in event["Records"]] for event in self.events]


@pytest.fixture
def on_call(aws):
    """``on_call(event, hook)``: registers a hook of the SQS client for this test."""
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
    """Runs an event source on the queue until the function's last response."""

    def run(*responses, queue=None, is_ready=lambda: True, **options):
        function = Function(*responses)
        queue_url = queue or url
        options = {"wait_seconds": 1} | options
        mapping = Mapping(queue_url=queue_url, queue_arn=aws.arn(queue_url), **options)
        function.source = EventSource(aws.sqs, mapping, function, "reviewlens-test", is_ready)
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
def remaining(aws, url):
    """Bodies of the messages in the queue, visible or not."""
    return lambda: sorted(message.body for message in aws.moto_queue(url)._messages)


def failures(*bodies):
    """A response that reports the messages with these bodies as failed."""

    def response(event):
        failed = [r["messageId"] for r in event["Records"] if r["body"] in bodies]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    return response


def test_the_event_has_the_documented_shape(consume, send, aws, url):
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


def test_message_attributes_have_the_field_names_of_lambda(consume, send):
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


def test_the_context_describes_the_function(consume, send):
    send("body")
    (context,) = consume(None, timeout_seconds=900).contexts
    assert context.function_name == "reviewlens-test"
    assert context.invoked_function_arn.endswith(":function:reviewlens-test")
    assert context.log_group_name == "/aws/lambda/reviewlens-test"
    assert context.aws_request_id
    assert 0 < context.get_remaining_time_in_millis() <= 900_000
    assert Context("f", timeout_seconds=-1).get_remaining_time_in_millis() == 0


@pytest.mark.parametrize(
    "response", [None, "", {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}]
)
def test_a_batch_that_succeeds_is_deleted(consume, send, remaining, response):
    send("a", "b")
    assert sorted(consume(response).batches[0]) == ["a", "b"]
    assert remaining() == []


def test_only_reported_messages_fail(consume, send, remaining):
    send("a", "b", "c")
    consume(failures("b"))
    assert remaining() == ["b"]


@pytest.mark.parametrize(
    "response",
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
def test_an_exception_or_an_invalid_response_fails_the_whole_batch(
    consume, send, remaining, response
):
    send("a", "b")
    consume(response)
    assert remaining() == ["a", "b"]


def test_an_unknown_message_id_fails_the_whole_batch(consume, send, remaining):
    send("a", "b")

    def response(event):
        message_id = event["Records"][0]["messageId"]
        return {
            "batchItemFailures": [{"itemIdentifier": message_id}, {"itemIdentifier": "unknown"}]
        }

    consume(response)
    assert remaining() == ["a", "b"]


def test_batches_have_the_configured_size(consume, send, remaining):
    send(*"abcde")
    batches = consume(None, None, None, batch_size=2).batches
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert sorted(body for batch in batches for body in batch) == list("abcde")
    assert remaining() == []


def test_a_batch_may_need_several_receive_calls(consume, send, remaining):
    bodies = [f"{n:02}" for n in range(12)]
    send(*bodies)
    (batch,) = consume(None, batch_size=12, window_seconds=60).batches
    assert sorted(batch) == bodies
    assert remaining() == []


def test_a_window_waits_for_more_messages(on_call, consume, send):
    receipts = []

    def send_after_an_empty_response(parsed, **_):
        receipts.append(len(parsed.get("Messages", [])))
        if receipts == [1, 0]:
            send("second")

    send("first")
    on_call("after-call.sqs.ReceiveMessage", send_after_an_empty_response)
    assert consume(None, batch_size=2, window_seconds=60).batches == [["first", "second"]]


def test_a_window_ends(consume, send):
    send("only")
    assert consume(None, batch_size=2, window_seconds=0.1).batches == [["only"]]


def test_a_failed_message_stays_hidden_unless_the_function_makes_it_visible(
    consume, send, remaining, aws, url
):
    send("a")
    consume(RuntimeError())
    assert remaining() == ["a"]
    assert aws.bodies(url) == []


def test_a_failed_message_returns_with_a_higher_receive_count(aws, consume, send):
    url = aws.queue("again", VisibilityTimeout="0")
    send("a", queue=url)
    function = consume(RuntimeError(), failures("a"), None, queue=url)
    assert [
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] for event in function.events
    ] == ["1", "2", "3"]
    assert aws.moto_queue(url)._messages == []


def test_a_message_that_fails_too_often_moves_to_the_dead_letter_queue(aws, consume, send):
    dead_letter_queue = aws.queue("dead")
    redrive = {"deadLetterTargetArn": aws.arn(dead_letter_queue), "maxReceiveCount": 3}
    url = aws.queue("alive", RedrivePolicy=json.dumps(redrive), VisibilityTimeout="0")
    send("poison", queue=url)

    def fail_three_times(event):
        if event["Records"][0]["body"] == "poison" and len(failed) < 3:
            failed.append(event)
            if len(failed) == 3:
                send("good", queue=url)
            raise RuntimeError

    failed = []
    function = consume(*[fail_three_times] * 4, queue=url, batch_size=1)
    assert function.batches == [["poison"]] * 3 + [["good"]]
    assert aws.bodies(dead_letter_queue) == ["poison"]
    assert aws.moto_queue(url)._messages == []


def test_stop_finishes_the_current_batch_and_receives_no_other(aws, url, send, remaining):
    send("first", "second")
    started, may_finish = threading.Event(), threading.Event()
    handled = []

    def handler(event, _context):
        handled.extend(record["body"] for record in event["Records"])
        started.set()
        assert may_finish.wait(30)

    mapping = Mapping(queue_url=url, queue_arn=aws.arn(url), batch_size=1, wait_seconds=1)
    source = EventSource(aws.sqs, mapping, handler, "f")
    thread = threading.Thread(target=source.run)
    thread.start()
    assert started.wait(30)
    source.stop()
    assert thread.is_alive()
    may_finish.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(handled) == 1
    assert remaining() == sorted({"first", "second"} - set(handled))


def test_polling_continues_if_the_queue_does_not_respond(aws, on_call, send, remaining, consume):
    send("a")
    broken = ["ReceiveMessage", "DeleteMessageBatch"]

    def fail_once(model, **_):
        if model.name in broken:
            broken.remove(model.name)
            raise aws.sqs.exceptions.QueueDoesNotExist({"Error": {}}, model.name)

    on_call("before-call.sqs", fail_once)
    consume(None)
    assert broken == []
    assert remaining() == ["a"]


def test_messages_are_received_again_only_when_the_function_can_work(consume, send, aws, url):
    send("first", "second")
    answers = [False, True]
    function = consume(
        failures("first"), None, is_ready=lambda: answers.pop(0), batch_size=1, wait_seconds=0
    )
    assert function.batches == [["first"], ["second"]]
    assert answers == []


def test_a_batch_may_have_more_messages_than_one_receive_call(consume, send):
    send(*(str(n) for n in range(25)))
    function = consume(None, batch_size=1000, window_seconds=0.5)
    assert sorted(function.batches[0], key=int) == [str(n) for n in range(25)]
