"""Unwraps S3 events from the envelopes of SNS and EventBridge."""

import json
from collections.abc import Iterator
from typing import Any

from shared.errors import InvalidInputError

NOT_A_NOTIFICATION = "the message is not an S3 notification"
_MAX_ENVELOPES = 4


def unwrap(body: str | bytes) -> Iterator[dict[str, Any]]:
    """Yield the events in a message body: as they are, or without their envelopes.

    Raises:
        InvalidInputError: the body, or the content of an envelope, is not a JSON object.
    """
    yield from _unwrap(_parse(body), _MAX_ENVELOPES)


def _unwrap(payload: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    contents = list(_contents(payload))
    if not contents:
        yield payload
    elif depth == 0:
        raise InvalidInputError(NOT_A_NOTIFICATION)
    for content in contents:
        yield from _unwrap(_parse(content), depth - 1)


def _contents(payload: dict[str, Any]) -> Iterator[Any]:
    """The content of an envelope; nothing if the payload is not an envelope."""
    if payload.get("Type") == "Notification" and "Message" in payload:  # SNS to a queue
        yield payload["Message"]
    detail = payload.get("detail")
    if isinstance(detail, dict) and ("Records" in detail or "Event" in detail):
        yield detail  # a notification that was put on an event bus
    records = payload.get("Records")
    for record in records if isinstance(records, list) else ():  # SNS to a function
        if isinstance(record, dict) and isinstance(record.get("Sns"), dict):
            yield record["Sns"].get("Message")


def _parse(content: Any) -> dict[str, Any]:
    if isinstance(content, str | bytes):
        try:
            content = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(NOT_A_NOTIFICATION) from error
    if not isinstance(content, dict):
        raise InvalidInputError(NOT_A_NOTIFICATION)
    return content
