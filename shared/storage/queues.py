"""Queues: the port and its SQS adapter."""

from collections.abc import Sequence
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from shared.errors import UnavailableError

_SQS_BATCH = 10


class MessageQueue(Protocol):
    """What the application asks of a queue."""

    def send(self, messages: Sequence[BaseModel]) -> None:
        """Send messages as JSON; raises UnavailableError unless every one was taken."""


class SqsQueue:
    """The SQS adapter of MessageQueue."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, messages: Sequence[BaseModel]) -> None:
        """See MessageQueue.send; batches of ten, the most that SQS takes."""
        for start in range(0, len(messages), _SQS_BATCH):
            entries = [
                {"Id": str(i), "MessageBody": message.model_dump_json()}
                for i, message in enumerate(messages[start : start + _SQS_BATCH])
            ]
            try:
                answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                raise UnavailableError("the queue did not take the messages") from error
            if answer.get("Failed"):
                raise UnavailableError("the queue refused some of the messages")
