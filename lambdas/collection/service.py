"""Collects one object: reads it, stores its rows, keeps the ledger."""

import logging
from typing import BinaryIO

from lambdas.collection.arrivals import Arrival
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.leftovers import remove_leftovers
from lambdas.collection.mapping import mapping_for
from lambdas.collection.reading import Dump, ReadOptions, read_dump
from lambdas.collection.storing import BatchStore
from shared.errors import IngestError, NotFoundError, ReviewlensError, UnavailableError
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import BuildIndex

log = logging.getLogger(__name__)
_DONE = {IngestStatus.COLLECTED, IngestStatus.PROCESSED}


class Collector:
    """Does the work of one S3 event; doing it again changes nothing."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._with = dependencies

    def collect(self, arrival: Arrival) -> None:
        """Collect one object, or note in the ledger why it cannot be read.

        Raises:
            UnavailableError: something does not answer, or another worker collects this object
                (or processes a shard that it has no more) right now; deliver again.
        """
        etag = arrival.etag or self._current_etag(arrival.key)
        if not etag or arrival.bucket != self._with.raw.bucket:
            log.warning("an event without an object to read", extra={"key": arrival.key})
            return
        ledger = self._with.ledger
        ingest_id = ledger.receive(arrival.bucket, arrival.key, etag)
        with self._with.database.lock(f"collect:{ingest_id}") as held:
            if not held:
                raise UnavailableError("another worker collects this object")
            if ledger.status_of(ingest_id) in _DONE:
                return
            try:
                finished = self._read(ingest_id, arrival.key, etag)
            except IngestError as error:
                log.warning(
                    "ingest failed", extra={"ingest_id": ingest_id, "error_code": error.code}
                )
                removed = remove_leftovers(self._with, ingest_id)
                finished = ledger.fail(ingest_id, error.code, error.message) or removed
            except ReviewlensError:
                raise
            except Exception as error:
                # a fault of ours: told, and not swept up for ever; the queue tries a few times more
                ledger.fail(ingest_id, "internal_error", type(error).__name__)
                raise
        if finished:
            self._with.index_queue.send([BuildIndex(reason=f"{ingest_id} is processed")])

    def _current_etag(self, key: str) -> str:
        try:
            return self._with.raw.head(key).etag
        except NotFoundError:
            return ""

    def _read(self, ingest_id: str, key: str, etag: str) -> bool:
        """Read and store the whole object; True where an index is due at once."""
        ledger, raw = self._with.ledger, self._with.raw
        done = ledger.start(ingest_id)
        self._check(key, etag)
        options = ReadOptions(
            mapping=mapping_for(raw, key),
            reviewer_key=self._with.reviewer_key,
            batch_rows=self._with.batch_rows,
        )
        try:
            with raw.open(key, etag=etag) as stream, BatchStore(self._with, ingest_id, done) as to:
                self._pump(ingest_id, stream, key, options, to)
        except NotFoundError:
            self._check(key, etag)
            raise
        log.info("ingest collected", extra={"ingest_id": ingest_id, "part": to.parts})
        # left by an attempt that read more than this one
        ledger.forget(ingest_id, to.parts, to.records + 1)
        removed = remove_leftovers(self._with, ingest_id)
        return ledger.finish(ingest_id) or removed

    def _pump(
        self, ingest_id: str, stream: BinaryIO, key: str, options: ReadOptions, to: BatchStore
    ) -> None:
        dump = read_dump(stream, name=key, options=options)
        for batch in dump:
            if not to.parts:
                self._describe(ingest_id, dump)
            to.add(batch)
        self._describe(ingest_id, dump)

    def _describe(self, ingest_id: str, dump: Dump) -> None:
        found = dump.profile
        profile = {
            "format": found.format,
            "compression": found.compression,
            "encoding": found.encoding,
            "dump_schema": found.dump_schema,
        }
        self._with.ledger.describe(ingest_id, profile, dump.warnings)

    def _check(self, key: str, etag: str) -> None:
        """Raise IngestError unless the object is there, is the version asked for, and fits."""
        try:
            info = self._with.raw.head(key)
        except NotFoundError as error:
            raise IngestError("object_missing", "the object was deleted before it was read") from (
                error
            )
        if info.etag != etag.strip('"'):
            raise IngestError("object_superseded", "a newer version of the object took its place")
        if info.size > self._with.max_object_bytes:
            told = f"the object has {info.size} bytes, more than {self._with.max_object_bytes}"
            raise IngestError("object_too_large", told)
