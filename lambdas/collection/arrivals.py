"""Arrived objects: parsed from S3 notifications, and sent as S3 notifications."""

import logging
import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from pydantic import ValidationError

from lambdas.collection.envelopes import NOT_A_NOTIFICATION, unwrap
from shared.errors import InvalidInputError
from shared.schemas.messages import (
    S3BridgeEvent,
    S3Bucket,
    S3Entity,
    S3Notification,
    S3Object,
    S3Record,
)
from shared.storage import layout
from shared.storage.objects import ObjectInfo

log = logging.getLogger(__name__)
# SNS sends the notification as text in JSON, with escaped quotes
_UPLOAD_ID = re.compile(r'[{,]\s*\\*"(?:x-amz-)?request-id\\*"\s*:\s*\\*"([A-Za-z0-9]{8,64})\\*"')


class Arrival(NamedTuple):
    """One version of one object; ``etag`` is empty where the event has none."""

    bucket: str
    key: str
    etag: str


def is_dump(key: str) -> bool:
    """Return whether an object is a dump: below uploads/, not a folder marker, not a mapping.

    S3 allows NUL in keys and PostgreSQL does not, so the ledger cannot store such a key.
    """
    if "\0" in key:
        log.warning("object skipped, its key contains NUL: %r", key)
        return False
    return key.startswith(layout.UPLOADS) and not key.endswith("/") and not layout.is_mapping(key)


def parse_arrivals(body: str | bytes) -> list[Arrival]:
    """Parse the body of a queue message, or the event of a direct invocation.

    It is an S3 notification, one in the envelopes of SNS or EventBridge, EventBridge's own event
    of S3, or S3's test event (no arrivals).

    Raises:
        InvalidInputError: it is none of them.
    """
    return [
        Arrival(bucket, key, etag)
        for payload in unwrap(body)
        for bucket, key, etag in _created_objects(payload)
        if is_dump(key)
    ]


def upload_id(body: str) -> str | None:
    """The id that S3 gave to the request which stored the object of an event, if the event has it.

    Its answer to that request has the same, as ``x-amz-request-id``.
    """
    match = _UPLOAD_ID.search(body)
    return match[1] if match else None


def _created_objects(payload: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Bucket, key and etag of each created object of an S3 notification or EventBridge event."""
    try:
        if payload.get("source") == "aws.s3":
            event = S3BridgeEvent.model_validate(payload)
            if event.detail_type != "Object Created":
                return []
            # unlike notifications, EventBridge does not encode the key
            return [(event.detail.bucket.name, event.detail.object.key, event.detail.object.etag)]
        notification = S3Notification.model_validate(payload)
    except ValidationError as error:
        raise InvalidInputError(NOT_A_NOTIFICATION) from error
    if not notification.Records and not notification.Event:
        raise InvalidInputError(NOT_A_NOTIFICATION)
    return [
        (record.s3.bucket.name, record.s3.object.decoded_key, record.s3.object.eTag)
        for record in notification.Records
        if record.eventName.removeprefix("s3:").startswith("ObjectCreated")
    ]


def build_notifications(bucket: str, objects: Iterable[ObjectInfo]) -> list[S3Notification]:
    """Build one message per object, in the format of S3 notifications."""
    return [
        S3Notification(
            Records=[
                S3Record(
                    eventName="ObjectCreated:Put",
                    s3=S3Entity(
                        bucket=S3Bucket(name=bucket),
                        object=S3Object(key=quote_plus(info.key), size=info.size, eTag=info.etag),
                    ),
                )
            ]
        )
        for info in objects
    ]
