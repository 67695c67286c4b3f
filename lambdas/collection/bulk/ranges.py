"""Ranges of a dump: what each worker reads, as items of the state machine's map."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from pydantic import TypeAdapter, ValidationError

from lambdas.collection.bulk.text import open_text
from lambdas.collection.checkpoints import reader_code
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.ranged import open_ranged
from lambdas.collection.reading import DumpMark
from shared.db.ingest.bulk import bulk_state
from shared.errors import NotFoundError
from shared.storage import layout


@dataclass(frozen=True)
class Job:
    """An object to read in ranges, and the ingest that it belongs to."""

    ingest_id: str
    key: str
    etag: str


@dataclass(frozen=True)
class Range:
    """Consecutive batches: ``parts`` of them from ``part`` on, after ``before`` records."""

    number: int
    part: int
    parts: int
    before: int
    records: int
    mark: DumpMark | None
    """Where it begins; None: at the first record."""


@dataclass(frozen=True)
class Item:
    """A range of an object, planned by this ``plan`` (see ``fingerprint``).

    The state machine keeps its items, so that they quote nothing of the dump: see ``load_range``.
    """

    job: Job
    plan: str
    number: int


ITEM = TypeAdapter(Item)


@dataclass(frozen=True)
class Ranges:
    """The ranges of one plan; ``warnings`` is None while it is not complete."""

    plan: str
    ranges: list[Range]
    warnings: list[str] | None = None
    compression: str = "none"
    text_bytes: int = 0
    """Size of the text of a compressed dump; see text.py."""


_STORED = TypeAdapter(Ranges)


def fingerprint(dependencies: Dependencies, columns: Mapping[str, str] | None) -> str:
    """What a plan depends on: the reader, the mapping, and the rows of a batch."""
    parts = (reader_code(), json.dumps(columns, sort_keys=True), str(dependencies.batch_rows))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def planned_differently(
    dependencies: Dependencies, ingest_id: str, columns: Mapping[str, str] | None
) -> bool:
    """Whether an ingest was read in ranges by another reader, or with another mapping."""
    state = bulk_state(dependencies.database, ingest_id)
    return state.ranges > 0 and state.plan != fingerprint(dependencies, columns)


def save_ranges(dependencies: Dependencies, ingest_id: str, ranges: Ranges) -> None:
    """Keep what is planned so far."""
    dependencies.clean.put(_plan_key(ingest_id), _STORED.dump_json(ranges))


def load_ranges(dependencies: Dependencies, ingest_id: str, plan: str) -> Ranges | None:
    """What was planned; None if nothing was, or by another plan."""
    try:
        stored = _STORED.validate_json(dependencies.clean.get(_plan_key(ingest_id))[0])
    except (NotFoundError, ValidationError):
        return None  # or of another release
    return stored if stored.plan == plan else None


@contextmanager
def open_planned(dependencies: Dependencies, job: Job, ranges: Ranges) -> Iterator[BinaryIO]:
    """Open what the ranges divide: the object, or its text; errors are those of ObjectStore."""
    with (
        open_text(dependencies, job.ingest_id, ranges.text_bytes)
        if ranges.text_bytes
        else open_ranged(dependencies.raw, job.key, job.etag)
    ) as stream:
        yield cast("BinaryIO", stream)


def write_items(dependencies: Dependencies, items: Sequence[Item]) -> str:
    """Write the list that the map reads; returns its key."""
    key = f"{layout.plan_prefix(items[0].job.ingest_id)}items.json"
    body = json.dumps([ITEM.dump_python(item, mode="json") for item in items])
    dependencies.clean.put(key, body.encode())
    return key


def _plan_key(ingest_id: str) -> str:
    return f"{layout.plan_prefix(ingest_id)}ranges.json"
