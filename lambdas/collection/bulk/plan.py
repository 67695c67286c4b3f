"""The first step: divides a dump into ranges, or leaves it to one run after another."""

import logging
from typing import Any, BinaryIO, cast

from lambdas.collection.bulk.ranges import (
    Item,
    Job,
    Member,
    Range,
    Ranges,
    fingerprint,
    load_ranges,
    save_ranges,
    write_items,
)
from lambdas.collection.bulk.text import TextWriter, delete_text, has_text
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.intact import lost_shards, read_rest, require_intact
from lambdas.collection.mapping import find_mapping
from lambdas.collection.opening import describe_dump, read_options, require_object
from lambdas.collection.queueing import queue_again
from lambdas.collection.ranged import open_ranged
from lambdas.collection.reading import Archive, Dump, IndivisibleError, read_dump
from lambdas.collection.run_time import RunTime
from shared.db.ingest.bulk import BulkState, bulk_state, forget_plan, save_bulk
from shared.db.ingest.shards import StoredBatch
from shared.db.ingest.undo import undo_state
from shared.errors import CorruptObjectError, IngestError, NotFoundError, WaitingError

log = logging.getLogger(__name__)
_SLOW = "decompressing it takes longer than one run"
BATCHES_PER_RANGE = 20
"""What a killed attempt reads again; with batches of 10,000 rows, a minute or less."""


def plan(dependencies: Dependencies, job: Job) -> dict[str, Any]:
    """Plan the ranges of an object, and list those of which something is missing.

    Returns:
        ``state``: planned (with the bucket and key of the list and its length), planning (the time
        was over: call it again), declined, or undone.

    Raises:
        UnavailableError: a dependency does not answer, or another worker has the object.
    """
    with dependencies.database.lock(f"collect:{job.ingest_id}") as acquired:
        if not acquired:
            raise WaitingError("another worker is collecting this object")
        if undo_state(dependencies.database, job.ingest_id) is not None:
            return {"state": "undone"}
        stored = dependencies.ledger.start(job.ingest_id)
        state = bulk_state(dependencies.database, job.ingest_id)
        try:
            require_object(dependencies, job.key, job.etag)
            columns = find_mapping(dependencies.raw, job.key)
            ranges = _Planner(dependencies, job, fingerprint(dependencies, columns)).plan(columns)
        except (IndivisibleError, IngestError, CorruptObjectError, NotFoundError) as error:
            return _decline(dependencies, job, state, str(error))
        if ranges.warnings is None:
            return {"state": "planning"}
        return _planned(dependencies, job, state, ranges, stored)


class _Planner:
    """Finds the ranges of a dump, if need be in several runs."""

    def __init__(self, dependencies: Dependencies, job: Job, plan: str) -> None:
        self._dependencies, self._job, self._plan = dependencies, job, plan
        self._time = RunTime(dependencies.max_run_seconds)

    def plan(self, columns: dict[str, str] | None) -> Ranges:
        """Plan, or go on planning; the plan is incomplete if the time was over.

        Raises:
            IndivisibleError: the dump is read in one run after another.
            IngestError: it cannot be read.
            CorruptObjectError: its bytes do not match its checksum.
        """
        earlier = load_ranges(self._dependencies, self._job.ingest_id, self._plan)
        if earlier and earlier.warnings is not None and self._has_text(earlier):
            return earlier
        options = read_options(self._dependencies, columns)
        raw, job = self._dependencies.raw, self._job
        found = earlier.ranges if earlier and not earlier.text_bytes else []
        text = TextWriter(self._dependencies, job.ingest_id)
        # planning goes on where the last range begins, so that range is found again
        resume = found.pop().mark if found else None
        with open_ranged(raw, job.key, job.etag) as stream:
            dump = read_dump(
                cast("BinaryIO", stream),
                name=job.key,
                options=options,
                resume=resume,
                copy=text.copy,
                open_file=stream.open_file,
            )
            if isinstance(dump, Archive):
                ranges = self._divide_archive(dump, text)
            else:
                ranges = self._divide(dump, found, text)
            is_whole = ranges.warnings is not None
            text.finish()
            if is_whole and not stream.is_partial:
                read_rest(cast("BinaryIO", stream))
        if is_whole and stream.is_partial:
            require_intact(raw, job.key, job.etag)
        if is_whole and len(ranges.ranges) < 2:
            raise IndivisibleError("it is not larger than one range")
        save_ranges(self._dependencies, job.ingest_id, ranges)
        if is_whole:
            described = (self._dependencies, job.ingest_id, dump.profile, dump.warnings, options)
            describe_dump(*described)
        return ranges

    def _divide(self, dump: Dump, found: list[Range], text: TextWriter) -> Ranges:
        """Find the ranges of a dump, after those that were found."""
        if not dump.is_divisible:
            raise IndivisibleError("no run can begin in the middle of it without what is before")
        is_whole = self._find(dump, found)
        if dump.is_compressed and not is_whole:
            raise IndivisibleError(_SLOW)
        if dump.is_truncated:
            raise IndivisibleError("its compressed bytes are damaged or incomplete")
        warnings = dump.warnings if is_whole else None
        return Ranges(self._plan, found, warnings, dump.profile.compression, text.size)

    def _divide_archive(self, archive: Archive, text: TextWriter) -> Ranges:
        """Find the ranges of all members."""
        found: list[Range] = []
        members: list[Member] = []
        start = 0
        for dump in archive.members():
            before = dump.records
            if not self._find(dump, found, len(members)):
                raise IndivisibleError(_SLOW)
            size, compression = text.size - start, dump.profile.compression
            members.append(Member(archive.file, start, size, before, compression, dump.warnings))
            start = text.size
        warnings, compression = archive.own_warnings, archive.profile.compression
        return Ranges(
            *(self._plan, found, warnings, compression, text.size),
            members=members,
            skipped=archive.skipped,
        )

    def _has_text(self, ranges: Ranges) -> bool:
        size = ranges.text_bytes
        return not size or has_text(self._dependencies, self._job.ingest_id, size)

    def _find(self, dump: Dump, found: list[Range], member: int = 0) -> bool:
        """Append the ranges of a dump or member; returns whether it is read to its end."""
        last = found[-1] if found else Range(-1, 0, 0, 0, 0, None)
        part, before, mark = last.part + last.parts, last.before + last.records, dump.resume
        first = end = part
        records = before

        def add(parts: int, rows: int) -> None:
            found.append(Range(len(found), first, parts, before, rows, mark, member))

        for border in dump.borders():
            end, records = end + 1, border.records
            if border.mark is None or end - first < BATCHES_PER_RANGE:
                continue
            add(end - first, records - before)
            first, before, mark = end, records, border.mark
            if self._time.is_over():
                add(0, 0)  # without its length: only where it begins is known
                return False
        if end > first:
            add(end - first, records - before)
        return True


def _planned(
    dependencies: Dependencies,
    job: Job,
    state: BulkState,
    ranges: Ranges,
    stored: dict[int, StoredBatch],
) -> dict[str, Any]:
    last = ranges.ranges[-1]
    is_same = state.plan == ranges.plan
    state.done = state.done if is_same else {}
    state.plan, state.ranges, state.warnings = (
        ranges.plan,
        len(ranges.ranges),
        ranges.warnings or [],
    )
    state.parts, state.records = last.part + last.parts, last.before + last.records
    state.declined, state.failed, state.rounds = "", {}, state.rounds + 1
    save_bulk(dependencies.database, job.ingest_id, state)
    todo = missing(dependencies, job.ingest_id, ranges.ranges, state, stored)
    result = {
        "state": "planned",
        "ranges": len(todo),
        "bucket": dependencies.clean.bucket,
    }
    if todo:
        result["items"] = write_items(
            dependencies, [Item(job, ranges.plan, each.number) for each in todo]
        )
    log.info("%d of %d ranges to read", len(todo), state.ranges, extra={"ingest_id": job.ingest_id})
    return result


def missing(
    dependencies: Dependencies,
    ingest_id: str,
    ranges: list[Range],
    state: BulkState,
    stored: dict[int, StoredBatch],
) -> list[Range]:
    """The ranges of which a batch is missing, is marked, or has lost its clean shard."""
    lost = lost_shards(dependencies.clean, ingest_id, stored.values())

    def is_stored(part: int) -> bool:
        batch = stored.get(part)
        return batch is not None and not batch.recheck and not (batch.rows and batch.key in lost)

    return [
        each
        for each in ranges
        if str(each.number) not in state.done
        or not all(map(is_stored, range(each.part, each.part + each.parts)))
    ]


def _decline(dependencies: Dependencies, job: Job, state: BulkState, reason: str) -> dict[str, Any]:
    """Leave an object to one run after another, which also says why it cannot be read."""
    if state.ranges:  # see Run: its rows may be owned by later parts
        dependencies.ledger.delete_batches(job.ingest_id, 0, 1)
    try:
        columns = find_mapping(dependencies.raw, job.key)
    except IngestError:
        columns = None
    delete_text(dependencies, job.ingest_id)
    plan = fingerprint(dependencies, columns)
    forget_plan(dependencies.database, job.ingest_id, plan=plan, declined=reason)
    queue_again(dependencies, job.key, job.etag)
    log.info("not divided: %s", reason, extra={"ingest_id": job.ingest_id})
    return {"state": "declined", "reason": reason}
