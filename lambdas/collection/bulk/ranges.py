"""Ranges of a dump: what each worker reads, as items of the state machine's map."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lambdas.collection.bulk.text import open_text
from lambdas.collection.checkpoints import reader_code
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.ranged import open_ranged
from lambdas.collection.reading import Dump, DumpMark, IndivisibleError, ReadOptions, read_dump
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
    """Where it begins; None: at the first record of the dump or member."""
    member: int = 0
    """Which member of an archive it belongs to."""


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
class Member:
    """A member of an archive: its text, ``size`` bytes from ``start`` on, after ``before`` records.

    ``warnings`` are those that the plan noticed.
    """

    file: str
    start: int
    size: int
    before: int
    compression: str
    warnings: list[str]


@dataclass(frozen=True)
class Ranges:
    """The ranges of one plan; ``warnings`` is None while it is not complete.

    Those of an archive are about the archive itself.
    """

    plan: str
    ranges: list[Range]
    warnings: list[str] | None = None
    compression: str = "none"
    text_bytes: int = 0
    """Size of the text of a compressed dump or of all members; see text.py."""
    members: list[Member] = field(default_factory=list)
    """Of an archive."""
    skipped: list[str] = field(default_factory=list)
    """Names of the members that are no dumps."""


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
def open_planned(
    dependencies: Dependencies,
    job: Job,
    ranges: Ranges,
    options: ReadOptions,
    *,
    member: int = 0,
    resume: DumpMark | None = None,
) -> Iterator[Dump]:
    """Open what the ranges divide: the object, its text, or a member of an archive.

    Errors are those of read_dump and ObjectStore.

    Args:
        dependencies: adapters of collection.
        job: the object.
        ranges: its plan.
        options: how to read it.
        member: which member of an archive.
        resume: where to begin; None: at the first record.

    Raises:
        IndivisibleError: the object is not what was planned.
    """
    file, start, end, before = job.key, 0, ranges.text_bytes, 0
    if ranges.members:
        own = ranges.members[member]
        file, before = f"{job.key}!{own.file}", own.before
        start, end = own.start, own.start + own.size
    with ExitStack() as stack:
        stream: Any
        if ranges.text_bytes:
            stream = stack.enter_context(open_text(dependencies, job.ingest_id, start, end))
            open_file = None
        else:
            stream = stack.enter_context(open_ranged(dependencies.raw, job.key, job.etag))
            open_file = stream.open_file
        dump = read_dump(
            stream,
            name=file,
            options=options,
            resume=resume,
            records_before=before,
            open_file=open_file,
        )
        if not isinstance(dump, Dump):
            raise IndivisibleError("the object is an archive")
        yield dump


def write_items(dependencies: Dependencies, items: Sequence[Item]) -> str:
    """Write the list that the map reads; returns its key."""
    key = f"{layout.plan_prefix(items[0].job.ingest_id)}items.json"
    body = json.dumps([ITEM.dump_python(item, mode="json") for item in items])
    dependencies.clean.put(key, body.encode())
    return key


def _plan_key(ingest_id: str) -> str:
    return f"{layout.plan_prefix(ingest_id)}ranges.json"
