"""Stores batches while the next ones are being read and spelled."""

import hashlib
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.reading import Batch
from shared.db.ingest.reviews import CopyRows, copy_rows, store_rejects, store_reviews
from shared.db.ingest.shards import StoredBatch, record_batch
from shared.schemas.messages import ProcessShard
from shared.storage import layout
from shared.storage.shards import to_parquet

_WAITING = 1
_HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Spelled:
    """A batch in all the forms that storing needs."""

    batch: Batch
    fingerprint: str
    rows: CopyRows
    shard: bytes
    """Parquet of every row, as it is wherever none is a duplicate."""


def _spell(batch: Batch) -> _Spelled:
    shard = to_parquet(batch.table) if batch.table.num_rows else b""
    return _Spelled(batch, _fingerprint(batch), copy_rows(batch.table), shard)


class BatchStore:
    """Takes the batches of one ingest in order; one thread spells them, one stores them.

    What an earlier attempt stored is spelled again for nothing: reading it takes longer anyway.

    At most one batch waits behind the one being stored, so memory stays flat. One that fails keeps
    those behind it from being stored. On leaving the block everything handed over is stored, or the
    first error is raised.
    """

    def __init__(
        self, dependencies: Dependencies, ingest_id: str, done: dict[int, StoredBatch]
    ) -> None:
        self._with = dependencies
        self._ingest_id = ingest_id
        self._done = done
        self._speller = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spell")
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._waiting: deque[Future[None]] = deque()
        self._last: Future[None] | None = None
        self._touched = time.monotonic()
        self.parts = 0
        self.records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._wait_for(0)
        finally:
            # the worker first: what it still has to store waits for the speller
            self._worker.shutdown(wait=True, cancel_futures=True)
            self._speller.shutdown(wait=True, cancel_futures=True)

    def add(self, batch: Batch) -> None:
        """Hand over the next batch; waits while too many are under way.

        Raises:
            UnavailableError: an earlier batch could not be stored.
        """
        part, record = self.parts, self.records + 1
        self.parts += 1
        self.records += batch.rows_read
        spelled = self._speller.submit(_spell, batch)
        self._last = self._worker.submit(self._store, part, record, spelled, self._last)
        self._waiting.append(self._last)
        self._wait_for(_WAITING)

    def _wait_for(self, left: int) -> None:
        while len(self._waiting) > left:
            self._waiting.popleft().result()

    def _store(
        self, part: int, record: int, coming: Future[_Spelled], last: Future[None] | None
    ) -> None:
        if last is not None:
            last.result()  # raises what stopped that one: what is stored has no gap
        spelled = coming.result()
        batch = spelled.batch
        before = self._done.pop(part, None)
        if before is not None and before.fingerprint == spelled.fingerprint:
            self._skip(before)
            return
        if before is not None or self._done:
            # read in another way this time (a new mapping, new code): from here on it is new
            self._with.ledger.forget(self._ingest_id, part, record)
            self._done = {}
        key = layout.clean_shard(self._ingest_id, part)
        with self._with.database.transaction() as connection:
            store_rejects(connection, self._ingest_id, batch.rejects)
            owned = store_reviews(connection, self._ingest_id, spelled.rows)
            accepted, rows = batch.table.num_rows, len(owned)
            if rows:
                # before the commit: a shard that the ledger knows is there
                whole = rows == accepted
                shard = spelled.shard if whole else to_parquet(_only(batch.table, owned))
                self._with.clean.put(key, shard)
            stored = StoredBatch(part, spelled.fingerprint, accepted, len(batch.rejects), rows, key)
            record_batch(connection, self._ingest_id, stored)
        if rows:
            self._queue(part, key, rows)

    def _skip(self, before: StoredBatch) -> None:
        """An earlier attempt committed this very batch; its message may have been lost."""
        if before.rows and not before.processed:
            self._queue(before.part, before.key, before.rows)
        if time.monotonic() - self._touched > _HEARTBEAT_SECONDS:
            self._with.ledger.touch(self._ingest_id)
            self._touched = time.monotonic()

    def _queue(self, part: int, key: str, rows: int) -> None:
        message = ProcessShard(ingest_id=self._ingest_id, part=part, key=key, rows=rows)
        self._with.processing_queue.send([message])


def _only(table: pa.Table, records: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["record"], value_set=records))


def _fingerprint(batch: Batch) -> str:
    """Names what a batch says, so that a resumed ingest knows which are stored already."""
    digest = hashlib.sha256()
    digest.update(f"{batch.rows_read}:{batch.table.num_rows}:".encode())
    for column in batch.table.columns:
        for chunk in column.chunks:
            for buffer in chunk.buffers():
                if buffer is not None:
                    digest.update(buffer)
    refused = (f"{reject.record}:{reject.reason.value}" for reject in batch.rejects)
    digest.update(",".join(refused).encode())
    return digest.hexdigest()[:32]
