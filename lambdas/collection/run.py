"""One run over an object: reads it, stores its rows, and ends before its time is over."""

import logging
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple, cast

from lambdas.collection.batch_writer import BatchWriter
from lambdas.collection.bulk.ranges import planned_differently
from lambdas.collection.checkpoints import Checkpoint, decode_checkpoint, encode_checkpoint
from lambdas.collection.closing import close_ingest
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.intact import lost_shards, read_rest, require_intact
from lambdas.collection.mapping import find_mapping
from lambdas.collection.opening import describe_dump, read_options, require_object
from lambdas.collection.ranged import RangedObject, open_ranged
from lambdas.collection.reading import Archive, Dump, ReadOptions, read_dump
from lambdas.collection.run_time import RunTime
from shared.db.ingest.bulk import forget_plan
from shared.db.ingest.runs import begin_run
from shared.db.ingest.shards import StoredBatch
from shared.errors import CorruptObjectError, IngestError, NotFoundError

log = logging.getLogger(__name__)


class Ending(NamedTuple):
    """How a run ended: the object is read to its end, or it failed, or another run must go on."""

    is_index_due: bool = False
    """Nothing is left to process, so that an index build is due."""
    is_failed: bool = False
    goes_on: bool = False
    """The time was over."""


class Run:
    """One run over the object of an ingest."""

    def __init__(self, dependencies: Dependencies, ingest_id: str, key: str, etag: str) -> None:
        self._dependencies = dependencies
        self._ingest_id, self._key, self._etag = ingest_id, key, etag
        self._time = RunTime(dependencies.max_run_seconds)

    def read(self) -> Ending:
        """Read and store the object from where the last run ended.

        Raises:
            IngestError: the object cannot be read.
            UnavailableError: a dependency does not answer.
        """
        ledger, raw = self._dependencies.ledger, self._dependencies.raw
        stored = ledger.start(self._ingest_id)
        earlier = begin_run(self._dependencies.database, self._ingest_id)
        require_object(self._dependencies, self._key, self._etag)
        if earlier.is_hopeless(self._dependencies.max_run_attempts):
            raise _no_progress(earlier.attempts + earlier.outages)
        lost = lost_shards(self._dependencies.clean, self._ingest_id, stored.values())
        if lost:
            # what is stored is not replaced by damaged rows
            require_intact(raw, self._key, self._etag)
        columns = find_mapping(raw, self._key)
        if planned_differently(self._dependencies, self._ingest_id, columns):
            # its rows may be owned by later parts, so that none of them can stay
            ledger.delete_batches(self._ingest_id, 0, 1)
            forget_plan(self._dependencies.database, self._ingest_id)
            stored, lost = {}, frozenset()
        resume = decode_checkpoint(earlier.checkpoint, columns)
        if resume and not _is_whole(stored, lost, resume.part):
            resume = None
        return self._store(columns, stored, lost, resume)

    def _store(
        self,
        columns: Mapping[str, str] | None,
        stored: dict[int, StoredBatch],
        lost: frozenset[str],
        resume: Checkpoint | None,
    ) -> Ending:
        raw = self._dependencies.raw
        options = read_options(self._dependencies, columns)

        def encode(checkpoint: Checkpoint) -> str:
            return encode_checkpoint(checkpoint, columns)

        try:
            with (
                open_ranged(raw, self._key, self._etag) as stream,
                BatchWriter(
                    *(self._dependencies, self._ingest_id, stored, lost),
                    excluded=options.excluded,
                    encode=encode,
                    parts=resume.part if resume else 0,
                    records=resume.records if resume else 0,
                ) as writer,
            ):
                dump = self._write_batches(stream, options, writer, resume, set(stored))
                if dump is None:
                    return Ending(goes_on=True)
                self._verify(stream)
        except NotFoundError:
            require_object(self._dependencies, self._key, self._etag)
            raise
        except (CorruptObjectError, IngestError):
            require_intact(raw, self._key, self._etag)
            raise
        _count_members(dump, self._key, writer)
        self._describe(dump, options)
        log.info("ingest collected", extra={"ingest_id": self._ingest_id, "part": writer.parts})
        is_due = close_ingest(self._dependencies, self._ingest_id, writer.parts, writer.records)
        return Ending(is_index_due=is_due)

    def _write_batches(
        self,
        stream: RangedObject,
        options: ReadOptions,
        writer: BatchWriter,
        resume: Checkpoint | None,
        stored: set[int],
    ) -> Dump | Archive | None:
        """Store all batches; None if the time is over before.

        A run does not end before the next one can go on further than it did.
        """
        mark = resume.mark if resume else None
        dump = read_dump(cast("BinaryIO", stream), name=self._key, options=options, resume=mark)
        first = writer.parts
        for batch in dump:
            if writer.parts == first:
                self._describe(dump, options)
            log.debug("batch read", extra={"part": writer.parts, "rows": batch.rows_read})
            part = writer.parts
            writer.add(batch)
            is_further = batch.mark or (part not in stored and not dump.is_resumable)
            if self._time.is_over() and is_further:
                log.info("run ends", extra={"ingest_id": self._ingest_id, "part": writer.parts})
                return None
        return dump

    def _describe(self, dump: Dump | Archive, options: ReadOptions) -> None:
        describe_dump(self._dependencies, self._ingest_id, dump.profile, dump.warnings, options)

    def _verify(self, stream: RangedObject) -> None:
        """Compare the checksum, which is that of the whole object."""
        if stream.is_partial:
            require_intact(self._dependencies.raw, self._key, self._etag)
        else:
            read_rest(cast("BinaryIO", stream))


def _is_whole(stored: dict[int, StoredBatch], lost: frozenset[str], parts: int) -> bool:
    """Whether nothing is missing before a part."""
    return all(part in stored and stored[part].key not in lost for part in range(parts))


def _no_progress(runs: int) -> IngestError:
    message = (
        f"{runs} runs in a row ended before they had stored anything new: reading the object needs"
        " more time or memory than one run has. Split it, or convert it to CSV or JSON lines"
        " (plain, or with gzip), which the next run continues where the last one ended"
    )
    return IngestError("no_progress", message)


def _count_members(dump: Dump | Archive, key: str, writer: BatchWriter) -> None:
    """Add the stored rows and duplicates of each member of an archive to its details."""
    for member in dump.profile.details.get("members", ()):
        member["stored"] = writer.stored_by_file[f"{key}!{member['file']}"]
        member["duplicates"] = member["rows_read"] - member["rejected"] - member["stored"]
