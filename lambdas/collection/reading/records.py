"""What format parsers hand on: records, and the rows they could not read."""

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lambdas.collection.reading.encoding import decode_text
from shared.schemas.ingest import RejectReason

RAW_LIMIT = 4096
"""Bytes of the raw row that a reject keeps."""


class Bad(NamedTuple):
    """A row that is no record, with the reason."""

    reason: RejectReason
    detail: str


class Record(NamedTuple):
    """One row of the dump.

    ``values`` is a list of fields (delimited text), a dict (everything else) or a Bad. ``raw`` is
    the row as it stood: bytes, text, the physical lines, or the values where there is no text.
    """

    line: int | None
    values: Any
    raw: Any


class Named(NamedTuple):
    """The raw row of a format without text: spelled as JSON only if the row is refused."""

    columns: list[str]
    values: tuple[Any, ...]


@dataclass
class StreamState:
    """What is known of the byte stream, filled in while it is read."""

    compression: str = "none"
    encoding: str = "utf-8"
    truncated: bool = False
    bytes_out: int = 0
    warnings: list[str] = field(default_factory=list)


def raw_text(raw: Any) -> str:
    """Give the raw row as text PostgreSQL takes: cut at 4 KiB, no NUL, no lone surrogate."""
    if isinstance(raw, bytes | bytearray | memoryview):
        text = decode_text(bytes(raw[:RAW_LIMIT]))
    elif isinstance(raw, str):
        text = raw[:RAW_LIMIT]
    elif isinstance(raw, Named):
        text = _spelled(dict(zip(raw.columns, raw.values, strict=True)))
    elif isinstance(raw, list | tuple) and all(isinstance(part, str) for part in raw):
        text = "".join(raw)[:RAW_LIMIT]
    else:
        text = _spelled(raw)
    text = text.replace("\0", "\ufffd")
    encoded = text.encode("utf-8", "replace")
    return encoded[:RAW_LIMIT].decode("utf-8", "ignore").rstrip("\r\n")


def _spelled(values: Any) -> str:
    return json.dumps(values, default=str, ensure_ascii=False)[:RAW_LIMIT]
