"""Small JSON files with a checksum. Files of earlier releases have none."""

import json
from hashlib import sha256
from typing import Any

CHECKSUM = "checksum"


class DamagedFileError(Exception):
    """A file cannot be used; the message says why."""


def encode(fields: dict[str, Any]) -> bytes:
    """Fields as JSON, with their checksum."""
    return json.dumps(fields | {CHECKSUM: _checksum(fields)}).encode()


def decode(body: bytes) -> dict[str, Any]:
    """Read what ``encode`` wrote, or an earlier release without a checksum.

    Raises:
        DamagedFileError: it is not a JSON object, or its checksum differs.
    """
    fields = parse(body)
    if CHECKSUM not in fields:
        if any(_is_misnamed_checksum(fields, name) for name in fields):
            raise DamagedFileError("the name of its checksum is damaged")
    elif fields.pop(CHECKSUM) != _checksum(fields):
        raise DamagedFileError("its checksum differs")
    return fields


def parse(body: bytes) -> dict[str, Any]:
    """Read a JSON object; its checksum is a field like any other.

    Raises:
        DamagedFileError: it is not a JSON object.
    """
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise DamagedFileError("it is not JSON") from error
    if not isinstance(fields, dict):
        raise DamagedFileError("it is not a JSON object")
    return fields


def _is_misnamed_checksum(fields: dict[str, Any], name: str) -> bool:
    value = fields[name]
    others = {other: fields[other] for other in fields if other != name}
    return isinstance(value, str) and len(value) == 64 and value == _checksum(others)


def _checksum(fields: dict[str, Any]) -> str:
    return sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
