"""Arrived objects: parsed from S3 notifications, and sent as S3 notifications."""

import logging
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote_plus

from pydantic import ValidationError

from shared.errors import InvalidInputError
from shared.schemas.messages import S3Bucket, S3Entity, S3Notification, S3Object, S3Record
from shared.storage import layout
from shared.storage.objects import ObjectInfo

log = logging.getLogger(__name__)


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


def parse_arrivals(body: str) -> list[Arrival]:
    """Parse the body of a queue message: an S3 notification, or S3's test event (no arrivals).

    Raises:
        InvalidInputError: it is neither.
    """
    try:
        notification = S3Notification.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInputError("the message is not an S3 notification") from error
    if not notification.Records and not notification.Event:
        raise InvalidInputError("the message is not an S3 notification")
    return [
        Arrival(record.s3.bucket.name, record.s3.object.decoded_key, record.s3.object.eTag)
        for record in notification.Records
        if record.eventName.removeprefix("s3:").startswith("ObjectCreated")
        and is_dump(record.s3.object.decoded_key)
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
