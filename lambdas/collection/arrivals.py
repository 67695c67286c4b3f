"""Objects that arrived: out of the events that S3 sends, and into the ones that we send."""

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
MAPPING_NAME = "mapping.json"


class Arrival(NamedTuple):
    """One version of one object; ``etag`` is empty where the event did not name it."""

    bucket: str
    key: str
    etag: str


def is_mapping(key: str) -> bool:
    """Whether a key names a mapping: of its folder (mapping.json) or one dump (….mapping.json)."""
    name = key.rpartition("/")[2]
    return name == MAPPING_NAME or name.endswith(f".{MAPPING_NAME}")


def is_dump(key: str) -> bool:
    """Whether an object is to be read: below uploads/, no folder marker, no mapping.

    S3 takes a NUL in a key and PostgreSQL takes none in a text, so no ledger can hold such a key.
    """
    if "\0" in key:
        log.warning("an object is not read, its key holds a NUL: %r", key)
        return False
    return key.startswith(layout.UPLOADS) and not key.endswith("/") and not is_mapping(key)


def arrivals_of(body: str) -> list[Arrival]:
    """Read the body of a queue message: an S3 notification, or S3's test event (nothing).

    Raises:
        InvalidInputError: it is neither.
    """
    try:
        notification = S3Notification.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInputError("the message is no S3 notification") from error
    if not notification.Records and not notification.Event:
        raise InvalidInputError("the message is no S3 notification")
    return [
        Arrival(record.s3.bucket.name, record.s3.object.decoded_key, record.s3.object.eTag)
        for record in notification.Records
        if record.eventName.removeprefix("s3:").startswith("ObjectCreated")
        and is_dump(record.s3.object.decoded_key)
    ]


def notifications_of(bucket: str, objects: Iterable[ObjectInfo]) -> list[S3Notification]:
    """One message per object, in the shape that S3 sends."""
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
