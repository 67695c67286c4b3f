"""Collects one object: reads it, stores its rows and updates the ledger."""

import logging
from contextlib import suppress

from lambdas.collection.arrivals import Arrival
from lambdas.collection.bulk.start import starts_bulk
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.mapping import find_mapping
from lambdas.collection.orphans import delete_orphans
from lambdas.collection.queueing import queue_again, queue_marked
from lambdas.collection.run import Ending, Run
from lambdas.collection.undo.again import may_collect
from shared.db.ingest import ownership
from shared.db.ingest.announcements import announce
from shared.db.ingest.ledger import MAPPING
from shared.db.ingest.runs import record_outage
from shared.errors import (
    CorruptObjectError,
    IngestError,
    NotFoundError,
    ReviewlensError,
    UnavailableError,
    WaitingError,
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
        dependencies = self._dependencies
        ingest_id = dependencies.ledger.receive(arrival.bucket, arrival.key, etag)
        self._collect(ingest_id, arrival.key, etag)
        announce(dependencies.database, dependencies.ledger, dependencies.events, ingest_id)

    def _collect(self, ingest_id: str, key: str, etag: str) -> None:
        with self._dependencies.database.lock(f"collect:{ingest_id}") as acquired:
            if not acquired:
                raise WaitingError("another worker is collecting this object")
            if not may_collect(self._dependencies, ingest_id, key, etag):
                return
            is_collected = self._is_collected(ingest_id, key)
            if is_collected and not ownership.is_marked(self._dependencies.database, ingest_id):
                # the worker that finished it may have died before it queued the marked ones
                queue_marked(self._dependencies, ingest_id, failed=False)
                return
            if self._starts_bulk(ingest_id, key, etag):
                return
            ending = self._run(ingest_id, key, etag, is_collected=is_collected)
            if not ending.goes_on:
                queue_marked(self._dependencies, ingest_id, failed=not ending.is_failed)
        if ending.goes_on:  # without the lock, so that the next run can take it
            queue_again(self._dependencies, key, etag)
        if ending.is_index_due:
            self._dependencies.index_queue.send([BuildIndex(reason=f"{ingest_id} is processed")])

    def _starts_bulk(self, ingest_id: str, key: str, etag: str) -> bool:
        """Whether the state machine reads the object, or has failed to for good."""
        try:
            return starts_bulk(self._dependencies, ingest_id, key, etag)
        except IngestError as error:
            self._fail(ingest_id, error, is_collected=False)
            return True

    def _run(self, ingest_id: str, key: str, etag: str, *, is_collected: bool) -> Ending:
        """Read the object, for one run; record why it cannot be read.

        Raises:
            UnavailableError: a dependency does not answer.
        """
        try:
            with report_full_disk("the object cannot be collected"):
                return Run(self._dependencies, ingest_id, key, etag).read()
        except CorruptObjectError as error:
            # a second reading of the whole object met no damage: the network caused it
            self._record_outage(ingest_id)
            raise UnavailableError(error.message) from error
        except IngestError as error:
            log.warning("ingest failed", extra={"ingest_id": ingest_id, "error_code": error.code})
            removed = delete_orphans(self._dependencies, ingest_id)
            is_due = self._fail(ingest_id, error, is_collected=is_collected) or removed
            return Ending(is_index_due=is_due, is_failed=True)
        except ReviewlensError as error:
            if error.retryable:
                self._record_outage(ingest_id)
            raise
        except Exception as error:
            # a bug: record the failure, so that sweeps skip it; the queue retries a few times
            self._dependencies.ledger.fail(ingest_id, "internal_error", type(error).__name__)
            raise

    def _fail(self, ingest_id: str, error: IngestError, *, is_collected: bool) -> bool:
        """Record why an object cannot be read; return whether an index build is due.

        One that was collected earlier and is gone stays collected.
        """
        if is_collected and error.code in _GONE:
            return ownership.give_up(self._dependencies.database, ingest_id, error.message)
        return self._dependencies.ledger.fail(ingest_id, error.code, error.message)

    def _record_outage(self, ingest_id: str) -> None:
        with suppress(UnavailableError):  # PostgreSQL itself may be the cause
            record_outage(self._dependencies.database, ingest_id)

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
