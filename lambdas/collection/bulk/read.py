"""The step that is repeated for each range: reads it and stores its batches."""

import logging
from typing import Any

from pydantic import TypeAdapter

from lambdas.collection.batch_writer import BatchWriter
from lambdas.collection.bulk.ranges import (
    Item,
    Job,
    Ranges,
    fingerprint,
    load_ranges,
    open_planned,
)
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.intact import lost_shards
from lambdas.collection.mapping import find_mapping
from lambdas.collection.opening import read_options
from lambdas.collection.reading import IndivisibleError, MakerMark, check_rejects
from shared.db.ingest.bulk import (
    bulk_state,
    range_lock,
    record_difference,
    record_failed_range,
    record_range,
    stored_rows,
)
from shared.db.ingest.shards import StoredBatch
from shared.db.ingest.undo import undo_state
from shared.errors import (
    CorruptObjectError,
    IngestError,
    NotFoundError,
    UnavailableError,
    WaitingError,
)

log = logging.getLogger(__name__)
COUNTED = TypeAdapter(MakerMark)


class PlanOutdatedError(Exception):
    """The object is read differently than when its ranges were planned; it is planned again."""


class _RangeWriter(BatchWriter):
    """Stores the batches of one range, at the same time as others; it deletes nothing."""

    def _replace(self, part: int, record: int, earlier: StoredBatch | None) -> None:  # noqa: ARG002
        if earlier is None:
            return  # a batch of this range is missing, and later ones are stored
        record_difference(self._dependencies.database, self._ingest_id)
        message = f"the batch from record {record} on is read differently than when it was stored"
        raise PlanOutdatedError(message)


def read_range(dependencies: Dependencies, item: Item) -> dict[str, Any]:
    """Read one range and store its batches; repeating it changes nothing.

    Raises:
        PlanOutdatedError: the plan no longer holds.
        IngestError: the range cannot be read; the ledger has the reason.
        UnavailableError: a dependency does not answer, or another attempt has not ended.
    """
    lock = range_lock(item.job.ingest_id, item.number)
    with dependencies.database.lock(lock) as acquired:
        if not acquired:
            raise WaitingError("another attempt at this range has not ended")
        return _read(dependencies, item)


def _read(dependencies: Dependencies, item: Item) -> dict[str, Any]:
    job, number = item.job, item.number
    if undo_state(dependencies.database, job.ingest_id) is not None:
        return {"state": "undone", "range": number}
    columns = _require_current(dependencies, item)
    ranges = load_ranges(dependencies, job.ingest_id, item.plan)
    if ranges is None or number >= len(ranges.ranges):
        raise PlanOutdatedError("another plan has replaced the plan of the range")
    try:
        counted = _Reading(dependencies, job, ranges, number).read(columns)
    except IndivisibleError as error:
        raise PlanOutdatedError(str(error)) from error
    except CorruptObjectError as error:
        raise UnavailableError(error.message) from error  # the plan has compared the checksum
    except NotFoundError as error:
        if ranges.text_bytes:
            raise PlanOutdatedError("the text of the dump is deleted") from error
        _fail(dependencies, item, "object_superseded: a newer version of the object replaced it")
        raise IngestError("object_superseded", error.message) from error
    except IngestError as error:
        _fail(dependencies, item, f"{error.code}: {error.message}")
        raise
    record_range(dependencies.database, job.ingest_id, number, counted)
    return {"state": "stored", "range": number}


def _require_current(dependencies: Dependencies, item: Item) -> dict[str, str] | None:
    """The mapping of the object, if its plan still holds."""
    state = bulk_state(dependencies.database, item.job.ingest_id)
    columns = find_mapping(dependencies.raw, item.job.key)
    if state.differs or not item.plan == state.plan == fingerprint(dependencies, columns):
        raise PlanOutdatedError("the mapping or the reader has changed since the plan")
    return columns


def _fail(dependencies: Dependencies, item: Item, reason: str) -> None:
    log.warning("range %d failed: %s", item.number, reason)
    record_failed_range(dependencies.database, item.job.ingest_id, item.number, reason[:500])


class _Reading:
    """Reads one range."""

    def __init__(self, dependencies: Dependencies, job: Job, ranges: Ranges, number: int) -> None:
        self._dependencies, self._job = dependencies, job
        self._ranges, self._range = ranges, ranges.ranges[number]

    def read(self, columns: dict[str, str] | None) -> Any:
        """Store the batches that are missing; returns what the rows have counted, as JSON."""
        job, wanted = self._job, self._range
        accepted, rejected = stored_rows(self._dependencies.database, job.ingest_id)
        check_rejects(rejected, accepted + rejected, self._dependencies.limits)
        stored = self._stored()
        options = read_options(self._dependencies, columns)
        with (
            open_planned(
                *(self._dependencies, job, self._ranges, options),
                member=wanted.member,
                resume=wanted.mark,
            ) as dump,
            _RangeWriter(
                *(self._dependencies, job.ingest_id, stored),
                lost_shards(self._dependencies.clean, job.ingest_id, stored.values()),
                excluded=options.excluded,
                encode=lambda _checkpoint: None,
                parts=wanted.part,
                records=wanted.before,
            ) as writer,
        ):
            for batch in dump:
                writer.add(batch)
                log.debug("batch read", extra={"part": writer.parts, "rows": batch.rows_read})
                if writer.parts == wanted.part + wanted.parts:
                    break
        if writer.records != wanted.before + wanted.records:
            message = f"the range ends at record {writer.records}, and not where it was planned"
            raise PlanOutdatedError(message)
        counted = dump.maker_mark()
        return COUNTED.dump_python(counted, mode="json") if counted else None

    def _stored(self) -> dict[int, StoredBatch]:
        """The batches of the range that earlier attempts stored."""
        first, count = self._range.part, self._range.parts
        batches = self._dependencies.ledger.batches(self._job.ingest_id)
        return {part: batches[part] for part in range(first, first + count) if part in batches}
