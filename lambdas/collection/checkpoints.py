"""Checkpoints: where the next run of an ingest goes on.

A checkpoint holds for the same object, mapping and code. With others, the object is read from its
beginning; batches that are read as before are recognised and not stored again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lambdas.collection.reading import DumpMark


@dataclass(frozen=True)
class Checkpoint:
    """The border after a batch: the next one is ``part``, and ``records`` come before it."""

    part: int
    records: int
    mark: DumpMark


@dataclass(frozen=True)
class _Stored:
    code: str
    mapping: Mapping[str, str] | None
    checkpoint: Checkpoint


_STORED = TypeAdapter(_Stored)


def encode_checkpoint(checkpoint: Checkpoint, mapping: Mapping[str, str] | None) -> str:
    """A checkpoint as JSON in ASCII, which PostgreSQL accepts with any header."""
    stored = _Stored(reader_code(), mapping, checkpoint)
    return json.dumps(_STORED.dump_python(stored, mode="json"))


def decode_checkpoint(text: str | None, mapping: Mapping[str, str] | None) -> Checkpoint | None:
    """The checkpoint to go on at; None: read from the beginning."""
    if text is None:
        return None
    try:
        stored = _STORED.validate_json(text)
    except ValidationError:
        return None  # of another release
    is_same = (stored.code, stored.mapping) == (reader_code(), mapping)
    return stored.checkpoint if is_same else None


@cache
def reader_code() -> str:
    """A hash of the reader: another one could split the dump into other rows."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent / "reading"
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
