"""Calls a handler with messages of a queue, like a Lambda event source mapping.

It follows the documented behaviour: long polling; batches of up to ``batch_size`` messages,
collected for up to ``window_seconds``; the JSON of the event; all messages of a successful batch
are deleted; a response with ``batchItemFailures`` keeps the listed messages; an exception, or an
unknown or empty identifier, fails the whole batch; failed messages return after the visibility
timeout, until the queue's redrive policy moves them to its dead-letter queue.

There is one difference: after a failure, messages are received only while ``is_ready``, so that an
outage of PostgreSQL uses up no attempts.
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
_MAX_MESSAGES_PER_CALL = 10

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
    max_rest_seconds: float = 0.0

    @property
    def region(self) -> str:
        """Region of the queue."""
        return self.queue_arn.split(":")[3]


@dataclass(frozen=True, slots=True)
class Context:
    """The attributes of Lambda's context object that handlers use."""

    function_name: str
    timeout_seconds: float
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    started: float = field(default_factory=time.monotonic)
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "3008"

    @property
    def invoked_function_arn(self) -> str:
        """ARN of the invoked function."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """CloudWatch log group of the function on AWS."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function times out."""
        remaining = self.timeout_seconds - (time.monotonic() - self.started)
        return max(0, int(remaining * 1000))


class EventSource:
    """Polls one queue in the calling thread until stopped."""

    def __init__(
        self,
        sqs: Any,
        mapping: Mapping,
        handler: Handler,
        name: str,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare the poller.

        Args:
            sqs: a boto3 SQS client.
            mapping: the queue and its limits.
            handler: called as ``handler(event, context)``.
            name: function name for the context and the log.
            is_ready: whether what the handler needs is available; called after a failure.
        """
        self._sqs = sqs
        self._mapping = mapping
        self._handler = handler
        self._name = name
        self._is_ready = is_ready
        self._has_failed = False
        self._stopping = threading.Event()
        self.oldest_sent: float | None = None
        """When the oldest message of the last receive was sent, in seconds since 1970."""

    def stop(self) -> None:
        """Receive no more messages; the current batch is completed."""
        self._stopping.set()

    def run(self) -> None:
        """Poll until stopped, and keep polling if the queue does not respond."""
        while not self._stopping.is_set():
            try:
                if self._has_failed and not self._is_ready():
                    self._stopping.wait(1.0)
                    continue
                batch = self._collect_batch()
                if batch:
                    started = time.monotonic()
                    self.deliver(batch)
                    self._rest(time.monotonic() - started)
            except AWS_ERRORS:
                log.exception("queue %s does not respond", self._mapping.queue_url)
                self._stopping.wait(1.0)

    def _rest(self, seconds: float) -> None:
        if rest := min(seconds, self._mapping.max_rest_seconds):
            self._stopping.wait(rest)

    def deliver(self, batch: list[dict[str, Any]]) -> None:
        """Call the handler with one batch, and delete the successful messages."""
        event = {"Records": [self._record(message) for message in batch]}
        context = Context(self._name, self._mapping.timeout_seconds)
        try:
            failed = _failed_message_ids(self._handler(event, context), batch)
        except Exception:
            log.exception("%s failed on a batch of %d messages", self._name, len(batch))
            failed = {message["MessageId"] for message in batch}
        self._has_failed = bool(failed)
        self._delete([message for message in batch if message["MessageId"] not in failed])

    def _collect_batch(self) -> list[dict[str, Any]]:
        """Receive a batch: wait for the first message, then add more within the window."""
        mapping = self._mapping
        batch = self._receive(mapping.batch_size, mapping.wait_seconds)
        sent = [message.get("Attributes", {}).get("SentTimestamp") for message in batch]
        self.oldest_sent = min((int(each) / 1000 for each in sent if each), default=None)
        deadline = time.monotonic() + mapping.window_seconds
        while batch and len(batch) < mapping.batch_size and not self._stopping.is_set():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            more = self._receive(mapping.batch_size - len(batch), 0)
            batch += more
            if not more:
                self._stopping.wait(min(remaining, 0.05))
        return batch

    def _receive(self, limit: int, wait: int) -> list[dict[str, Any]]:
        response = self._sqs.receive_message(
            QueueUrl=self._mapping.queue_url,
            MaxNumberOfMessages=min(limit, _MAX_MESSAGES_PER_CALL),
            WaitTimeSeconds=wait,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = response.get("Messages", [])
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
        for start in range(0, len(messages), _MAX_MESSAGES_PER_CALL):
            self._sqs.delete_message_batch(
                QueueUrl=self._mapping.queue_url,
                Entries=[
                    {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]}
                    for i, message in enumerate(messages[start : start + _MAX_MESSAGES_PER_CALL])
                ],
            )


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    """A message attribute with the field names of Lambda's event."""
    fields = {
        f"{name[0].lower()}{name[1:]}": b64encode(part).decode()
        if isinstance(part, bytes)
        else part
        for name, part in value.items()
    }
    return {"stringListValues": [], "binaryListValues": []} | fields


def _failed_message_ids(response: Any, batch: list[dict[str, Any]]) -> set[str]:
    """Message ids that the function reports as failed; all ids if its response is invalid."""
    batch_ids = {message["MessageId"] for message in batch}
    if response is None or response == "":
        return set()
    try:
        json.dumps(response)
        failures = response.get("batchItemFailures") or []
        reported = {failure["itemIdentifier"] for failure in failures}
    except (AttributeError, KeyError, TypeError, ValueError):
        log.error(  # noqa: TRY400 - the response is what is wrong
            "the function did not return a valid batch response: %.200r", response
        )
        return batch_ids
    unknown = reported - batch_ids
    return batch_ids if unknown else reported
