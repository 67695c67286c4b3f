"""Collects one object: reads it, stores its rows and updates the ledger."""

import logging
from typing import BinaryIO

from lambdas.collection.arrivals import Arrival
from lambdas.collection.batch_writer import BatchWriter
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.intact import lost_shards, read_rest, require_intact
from lambdas.collection.mapping import find_mapping
from lambdas.collection.orphans import delete_orphans
from lambdas.collection.queueing import queue_marked
from lambdas.collection.reading import Archive, Dump, ReadOptions, read_dump, split_mapping
from lambdas.collection.undo.again import may_collect
from shared.db.ingest import ownership
from shared.db.ingest.ledger import MAPPING
from shared.errors import (
    CorruptObjectError,
    IngestError,
    NotFoundError,
    ReviewlensError,
    UnavailableError,
    report_full_disk,
)
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import BuildIndex

log = logging.getLogger(__name__)
_DONE = {
    IngestStatus.COLLECTED,
    IngestStatus.PROCESSED,
    IngestStatus.PROCESSED_WITH_WARNINGS,
}
_GONE = ("object_missing", "object_superseded")


class Collector:
    """Collects the object of one S3 event; repeating it changes nothing."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    def collect(self, arrival: Arrival) -> None:
        """Collect one object, or record in the ledger why it cannot be read.

        Raises:
            UnavailableError: a dependency does not answer, or another worker is collecting this
                object or processing one of its orphaned shards; deliver the message again.
        """
        etag = arrival.etag or self._current_etag(arrival.key)
        if not etag or arrival.bucket != self._dependencies.raw.bucket:
            log.warning(
                "event skipped, its object is missing or in another bucket",
                extra={"key": arrival.key},
            )
            return
        ledger = self._dependencies.ledger
        ingest_id = ledger.receive(arrival.bucket, arrival.key, etag)
        with self._dependencies.database.lock(f"collect:{ingest_id}") as acquired:
            if not acquired:
                raise UnavailableError("another worker is collecting this object")
            if not may_collect(self._dependencies, ingest_id, arrival.key, etag):
                return
            is_collected = self._is_collected(ingest_id, arrival.key)
            if is_collected and not ownership.is_marked(self._dependencies.database, ingest_id):
                # the worker that finished it may have died before it queued the marked ones
                queue_marked(self._dependencies, ingest_id, failed=False)
                return
            is_failed = False
            try:
                with report_full_disk("the object cannot be collected"):
                    finished = self._read(ingest_id, arrival.key, etag)
            except CorruptObjectError as error:
                # a second reading of the whole object met no damage: the network caused it
                raise UnavailableError(error.message) from error
            except IngestError as error:
                log.warning(
                    "ingest failed", extra={"ingest_id": ingest_id, "error_code": error.code}
                )
                removed = delete_orphans(self._dependencies, ingest_id)
                finished = self._fail(ingest_id, error, is_collected=is_collected) or removed
                is_failed = True
            except ReviewlensError:
                raise
            except Exception as error:
                # a bug: record the failure, so that sweeps skip it; the queue retries a few times
                ledger.fail(ingest_id, "internal_error", type(error).__name__)
                raise
            queue_marked(self._dependencies, ingest_id, failed=not is_failed)
        if finished:
            self._dependencies.index_queue.send([BuildIndex(reason=f"{ingest_id} is processed")])

    def _fail(self, ingest_id: str, error: IngestError, *, is_collected: bool) -> bool:
        """Record why an object cannot be read; return whether an index build is due.

        One that was collected earlier and is gone stays collected.
        """
        if is_collected and error.code in _GONE:
            return ownership.give_up(self._dependencies.database, ingest_id, error.message)
        return self._dependencies.ledger.fail(ingest_id, error.code, error.message)

    def _is_collected(self, ingest_id: str, key: str) -> bool:
        """Whether the ingest is collected, and with the mapping that is stored now."""
        status, details = self._dependencies.ledger.state(ingest_id)
        if status not in _DONE:
            return False
        if MAPPING not in details:
            return True  # collected by a release that did not record the mapping
        try:
            return bool(details[MAPPING] == (find_mapping(self._dependencies.raw, key) or None))
        except IngestError:
            log.warning("a mapping is ignored, it is invalid", extra={"key": key})
            return True

    def _current_etag(self, key: str) -> str:
        try:
            return self._dependencies.raw.head(key).etag
        except NotFoundError:
            return ""

    def _read(self, ingest_id: str, key: str, etag: str) -> bool:
        """Read and store the whole object; return whether an index build is due."""
        ledger, raw = self._dependencies.ledger, self._dependencies.raw
        stored = ledger.start(ingest_id)
        self._check(key, etag)
        lost = lost_shards(self._dependencies.clean, ingest_id, stored.values())
        if lost:
            require_intact(raw, key, etag)  # what is stored is not replaced by damaged rows
        mapping, hints = split_mapping(find_mapping(raw, key))
        options = ReadOptions(
            mapping=mapping,
            hints=hints,
            reviewer_key=self._dependencies.reviewer_key,
            batch_rows=self._dependencies.batch_rows,
            limits=self._dependencies.limits,
        )
        try:
            with (
                raw.open(key, etag=etag) as stream,
                BatchWriter(self._dependencies, ingest_id, stored, lost) as writer,
            ):
                dump = self._write_batches(ingest_id, stream, key, options, writer)
                read_rest(stream)
        except NotFoundError:
            self._check(key, etag)
            raise
        except (CorruptObjectError, IngestError):
            require_intact(raw, key, etag)
            raise
        _count_members(dump, key, writer)
        self._describe(ingest_id, dump, options)
        log.info("ingest collected", extra={"ingest_id": ingest_id, "part": writer.parts})
        # rows of an earlier attempt that read more than this one
        ledger.delete_batches(ingest_id, writer.parts, writer.records + 1)
        removed = delete_orphans(self._dependencies, ingest_id)
        share = self._dependencies.max_reject_share
        return ledger.finish(ingest_id, max_reject_share=share) or removed

    def _write_batches(
        self, ingest_id: str, stream: BinaryIO, key: str, options: ReadOptions, writer: BatchWriter
    ) -> Dump | Archive:
        dump = read_dump(stream, name=key, options=options)
        for batch in dump:
            if not writer.parts:
                self._describe(ingest_id, dump, options)
            writer.add(batch)
        return dump

    def _describe(self, ingest_id: str, dump: Dump | Archive, options: ReadOptions) -> None:
        profile = {
            "format": dump.profile.format,
            "compression": dump.profile.compression,
            "encoding": dump.profile.encoding,
            "dump_schema": dump.profile.dump_schema,
        }
        ledger = self._dependencies.ledger
        mapping = {**(options.mapping or {}), **options.hints} or None
        details = {**dump.profile.details, MAPPING: mapping}
        ledger.describe(ingest_id, profile, dump.warnings, details)

    def _check(self, key: str, etag: str) -> None:
        """Raise IngestError if the object is missing, superseded or too large."""
        try:
            info = self._dependencies.raw.head(key)
        except NotFoundError as error:
            raise IngestError("object_missing", "the object was deleted before it was read") from (
                error
            )
        if info.etag != etag.strip('"'):
            raise IngestError("object_superseded", "a newer version of the object replaced it")
        if info.size > self._dependencies.max_object_bytes:
            limit = self._dependencies.max_object_bytes
            message = f"the object has {info.size} bytes, the limit is {limit} bytes"
            raise IngestError("object_too_large", message)


def _count_members(dump: Dump | Archive, key: str, writer: BatchWriter) -> None:
    """Add the stored rows and duplicates of each member of an archive to its details."""
    for member in dump.profile.details.get("members", ()):
        member["stored"] = writer.stored_by_file[f"{key}!{member['file']}"]
        member["duplicates"] = member["rows_read"] - member["rejected"] - member["stored"]
