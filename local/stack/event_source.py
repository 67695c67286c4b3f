"""Calls a handler with messages of a queue as the Lambda event source mapping does.

Documented behaviour that this follows: long polling; up to ``batch_size`` messages gathered for at
most ``window_seconds``; the event's JSON; every message of a batch that succeeds is deleted; a
response with ``batchItemFailures`` keeps the named ones; an exception, an unknown or an empty
identifier fails the whole batch; what fails returns after the visibility timeout, until the queue's
redrive policy moves it to its dead-letter queue.

One difference, in time alone: a failed message returns after a pause that doubles with every
receipt instead of the whole visibility timeout, so that a person does not wait an hour for
PostgreSQL's restart. Where ``retry_base_seconds`` is None, the timeout rules, as on AWS.
"""

import json
import logging
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from shared.storage.aws_errors import AWS_ERRORS

log = logging.getLogger(__name__)
_RECEIVE_LIMIT = 10
_MAX_PAUSE_SECONDS = 300

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class Mapping:
    """One event source mapping."""

    queue_url: str
    queue_arn: str
    batch_size: int = 10
    window_seconds: float = 0.0
    wait_seconds: int = 5
    timeout_seconds: float = 900.0
    retry_base_seconds: float | None = 5.0

    @property
    def region(self) -> str:
        """Region of the queue."""
        return self.queue_arn.split(":")[3]


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers use of Lambda's context object."""

    function_name: str
    timeout_seconds: float
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    started: float = field(default_factory=time.monotonic)
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "3008"

    @property
    def invoked_function_arn(self) -> str:
        """ARN of the function that is called."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """CloudWatch log group that AWS would use."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's time is up."""
        left = self.timeout_seconds - (time.monotonic() - self.started)
        return max(0, int(left * 1000))


class EventSource:
    """Polls one queue in the calling thread until it is told to stop."""

    def __init__(self, sqs: Any, mapping: Mapping, handler: Handler, name: str) -> None:
        """Prepare the poller.

        Args:
            sqs: a boto3 SQS client.
            mapping: queue and limits.
            handler: called as ``handler(event, context)``.
            name: function name in the context and the log.
        """
        self._sqs = sqs
        self._mapping = mapping
        self._handler = handler
        self._name = name
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Take no more messages; the batch in hand is finished."""
        self._stopping.set()

    def run(self) -> None:
        """Poll until stopped. A queue that does not answer is asked again."""
        while not self._stopping.is_set():
            try:
                batch = self._gather()
                if batch:
                    self.deliver(batch)
            except AWS_ERRORS:
                log.exception("queue %s does not answer", self._mapping.queue_url)
                self._stopping.wait(1.0)

    def deliver(self, batch: list[dict[str, Any]]) -> None:
        """Call the handler with one batch and settle its messages."""
        event = {"Records": [self._record(message) for message in batch]}
        context = Context(self._name, self._mapping.timeout_seconds)
        try:
            failed = _failed(self._handler(event, context), batch)
        except Exception:
            log.exception("%s failed a batch of %d", self._name, len(batch))
            failed = {message["MessageId"] for message in batch}
        self._delete([message for message in batch if message["MessageId"] not in failed])
        self._give_back([message for message in batch if message["MessageId"] in failed])

    def _gather(self) -> list[dict[str, Any]]:
        """Receive a batch: wait for the first message, then fill up within the window."""
        mapping = self._mapping
        batch = self._receive(mapping.batch_size, mapping.wait_seconds)
        deadline = time.monotonic() + mapping.window_seconds
        while batch and len(batch) < mapping.batch_size and not self._stopping.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            more = self._receive(mapping.batch_size - len(batch), 0)
            batch += more
            if not more:
                self._stopping.wait(min(left, 0.05))
        return batch

    def _receive(self, limit: int, wait: int) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=self._mapping.queue_url,
            MaxNumberOfMessages=min(limit, _RECEIVE_LIMIT),
            WaitTimeSeconds=wait,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {
                name: _attribute(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._mapping.queue_arn,
            "awsRegion": self._mapping.region,
        }

    def _delete(self, messages: list[dict[str, Any]]) -> None:
        for start in range(0, len(messages), _RECEIVE_LIMIT):
            self._sqs.delete_message_batch(
                QueueUrl=self._mapping.queue_url,
                Entries=[
                    {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]}
                    for i, message in enumerate(messages[start : start + _RECEIVE_LIMIT])
                ],
            )

    def _give_back(self, messages: list[dict[str, Any]]) -> None:
        base = self._mapping.retry_base_seconds
        if base is None:
            return
        for message in messages:
            received = int(message.get("Attributes", {}).get("ApproximateReceiveCount", "1"))
            pause = min(base * 2 ** (received - 1), _MAX_PAUSE_SECONDS)
            self._sqs.change_message_visibility(
                QueueUrl=self._mapping.queue_url,
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=int(pause),
            )


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    """Message attribute in the spelling of Lambda's event."""
    given = {
        f"{name[0].lower()}{name[1:]}": b64encode(part).decode()
        if isinstance(part, bytes)
        else part
        for name, part in value.items()
    }
    return {"stringListValues": [], "binaryListValues": []} | given


def _failed(response: Any, batch: list[dict[str, Any]]) -> set[str]:
    """Ids that the function reports as failed; all of them where the report makes no sense."""
    everything = {message["MessageId"] for message in batch}
    if response is None or response == "":
        return set()
    try:
        json.dumps(response)
        failures = response.get("batchItemFailures") or []
        named = {failure["itemIdentifier"] for failure in failures}
    except (AttributeError, KeyError, TypeError, ValueError):
        log.error(  # noqa: TRY400 - the response is what is wrong
            "the function's answer is no batch response: %.200r", response
        )
        return everything
    unknown = named - everything
    return everything if unknown else named
