"""Queues: the port and its SQS adapter."""

from collections.abc import Sequence
from typing import Any, Protocol

from shared.errors import UnavailableError
from shared.observability.correlation import ATTRIBUTE, correlation_id
from shared.observability.tracing import recorder
from shared.schemas.messages import QueueMessage
from shared.storage.aws_errors import translate_aws_errors

_MAX_BATCH_MESSAGES = 10


class MessageQueue(Protocol):
    """The queue operation that the application uses."""

    def send(self, messages: Sequence[QueueMessage]) -> None:
        """Send messages as JSON; raise UnavailableError unless the queue accepted them all."""


class SqsQueue:
    """The SQS adapter of MessageQueue."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, messages: Sequence[QueueMessage]) -> None:
        """See MessageQueue.send; SQS accepts batches of up to ten messages."""
        attributes = _attributes()
        for start in range(0, len(messages), _MAX_BATCH_MESSAGES):
            entries = [
                {"Id": str(i), "MessageBody": message.model_dump_json(), **attributes}
                | ({"MessageGroupId": message.group} if message.group else {})
                for i, message in enumerate(messages[start : start + _MAX_BATCH_MESSAGES])
            ]
            with translate_aws_errors("the queue did not accept the messages"):
                response = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            if response.get("Failed"):
                raise UnavailableError("the queue refused some of the messages")


def _attributes() -> dict[str, Any]:
    """The correlation id and the trace, which the work on a message goes on with."""
    values = dict(recorder().headers())
    if current := correlation_id():
        values[ATTRIBUTE] = current
    if not values:
        return {}
    attributes = {
        name: {"DataType": "String", "StringValue": value} for name, value in values.items()
    }
    return {"MessageAttributes": attributes}
