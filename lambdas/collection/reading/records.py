"""Records as format parsers return them, and rows that they could not read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lambdas.collection.reading.encoding import decode_text
from shared.schemas.ingest import RejectReason

RAW_LIMIT = 4096
"""Number of bytes of the raw row that a reject stores."""


class Bad(NamedTuple):
    """A row that cannot be read as a record, with the reason."""

    reason: RejectReason
    detail: str


class Record(NamedTuple):
    """One row of the dump.

    ``values`` is a list of fields (delimited text), a dict (everything else) or a Bad. ``raw`` is
    the original row: bytes, text, the physical lines, or the values if there is no text.
    """

    line: int | None
    values: Any
    raw: Any


class Named(NamedTuple):
    """The raw row of a format without text, written as JSON only if the row is rejected."""

    columns: list[str]
    values: tuple[Any, ...]


class Entry(NamedTuple):
    """One member of an archive: its bytes are valid until the next member.

    ``skip_reason`` is set where the member cannot be a dump, and empty for a folder.
    """

    name: str
    size: int | None
    chunks: Iterator[bytes]
    skip_reason: str | None = None


@dataclass
class StreamState:
    """State of the byte stream, updated while it is read."""

    compression: str = "none"
    encoding: str = "utf-8"
    truncated: bool = False
    bytes_out: int = 0
    decompression_error: str | None = None
    warnings: list[str] = field(default_factory=list)


def raw_text(raw: Any) -> str:
    """The raw row as text that PostgreSQL accepts: at most 4 KiB, no NUL, no lone surrogate."""
    if raw.__class__ is bytes and len(raw) <= RAW_LIMIT and b"\0" not in raw:
        return decode_text(raw).encode()[:RAW_LIMIT].decode("utf-8", "ignore").rstrip("\r\n")
    if isinstance(raw, bytes | bytearray | memoryview):
        text = decode_text(bytes(raw[:RAW_LIMIT]))
    elif isinstance(raw, str):
        text = raw[:RAW_LIMIT]
    elif isinstance(raw, Named):
        text = _as_json(dict(zip(raw.columns, raw.values, strict=True)))
    elif isinstance(raw, list | tuple) and all(isinstance(part, str) for part in raw):
        text = "".join(raw)[:RAW_LIMIT]
    else:
        text = _as_json(raw)
    text = text.replace("\0", "\ufffd")
    encoded = text.encode("utf-8", "replace")
    return encoded[:RAW_LIMIT].decode("utf-8", "ignore").rstrip("\r\n")


def _as_json(values: Any) -> str:
    return json.dumps(values, default=str, ensure_ascii=False)[:RAW_LIMIT]
