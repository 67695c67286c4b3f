"""Records of objects, checked field by field."""

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from local.checked import DamagedFileError, decode, parse

_BLOB = re.compile(r"[0-9a-f]{32}")
ATTRIBUTES = (
    "encryption",
    "kms_key_id",
    "bucket_key_enabled",
    "website_redirect_location",
    "checksum_algorithm",
    "checksum_value",
    "checksum_type",
    "checksum_parts",
)
"""Attributes of moto's object that are stored unchanged."""


def decode_record(body: bytes, name: str) -> dict[str, Any]:
    """Read the record of an object from the file ``<name>.json``.

    Raises:
        DamagedFileError: it is damaged.
    """
    record = decode(body)
    _check_identity(record, name)
    for field, value in record.items():
        if field in _CHECKS and not _is_valid(field, value):
            raise DamagedFileError(f"{field} is not valid")
    if missing := [field for field in _CHECKS if field not in record]:
        raise DamagedFileError(f"{', '.join(missing)} is missing")
    return dict.fromkeys(ATTRIBUTES) | record


def salvage(body: bytes, name: str) -> dict[str, Any]:
    """Read as much of a damaged record as possible; its bytes must confirm its ETag.

    Raises:
        DamagedFileError: key, file of the bytes or ETag cannot be read.
    """
    fields = parse(body)
    _check_identity(fields, name)
    record = {
        field: fields[field] if _is_valid(field, fields.get(field)) else default
        for field, (_, default) in _CHECKS.items()
    }
    if not record["etag"]:
        raise DamagedFileError("etag is not valid")
    return dict.fromkeys(ATTRIBUTES) | record | {name: fields[name] for name in ("key", "blob")}


def content_md5(record: dict[str, Any]) -> str | None:
    """MD5 of the object's bytes; None for a multipart object of an earlier release."""
    etag: str = record["etag"]
    value: str | None = record.get("content_md5")
    return value or (None if "-" in etag else etag)


def default_attributes(etag: str) -> dict[str, Any]:
    """Attributes of a new object with the default type and no metadata."""
    fields = {field: default for field, (_, default) in _CHECKS.items() if field != "size"}
    now = datetime.now(UTC).isoformat()
    return dict.fromkeys(ATTRIBUTES) | fields | {"etag": etag, "last_modified": now}


def record_name(key: str) -> str:
    """File name, without suffix, of the record of a key."""
    return sha256(key.encode()).hexdigest()


def _check_identity(record: dict[str, Any], name: str) -> None:
    """The file is named after the key, so a changed key is noticed without a checksum."""
    key, blob = record.get("key"), record.get("blob")
    try:
        is_ours = isinstance(key, str) and record_name(key) == name
    except UnicodeEncodeError:
        is_ours = False
    if not is_ours:
        raise DamagedFileError("its key does not match its file name")
    if not (isinstance(blob, str) and _BLOB.fullmatch(blob)):
        raise DamagedFileError("blob is not valid")


def _is_valid(field: str, value: Any) -> bool:
    check, _ = _CHECKS[field]
    return bool(check(value))


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


_CHECKS: dict[str, tuple[Any, Any]] = {
    "size": (lambda value: type(value) is int and value >= 0, -1),
    "etag": (
        lambda value: isinstance(value, str) and re.fullmatch(r"[0-9a-f]{32}(-\d+)?", value),
        "",
    ),
    "last_modified": (_is_time, "1970-01-01T00:00:00+00:00"),
    "metadata": (_is_map, {}),
    "storage_class": (lambda value: isinstance(value, str), "STANDARD"),
    "tags": (_is_map, {}),
}
"""Fields of a record: whether a value is valid, and the value for a damaged one."""
