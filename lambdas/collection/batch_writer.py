"""Stores batches while the next ones are being read and encoded."""

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from lambdas.collection.checkpoints import Checkpoint
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.reading import Batch
from shared.db.ingest.exclusions import require_unchanged
from shared.db.ingest.ownership import hold_owners, owners_of_duplicates
from shared.db.ingest.reviews import CopyRows, copy_rows, store_rejects, store_reviews
from shared.db.ingest.runs import record_progress
from shared.db.ingest.shards import StoredBatch, lock_batch, record_batch
from shared.schemas.exclusions import ExcludedKeys
from shared.schemas.messages import ProcessShard
from shared.storage import layout
from shared.storage.shards import to_parquet

_MAX_PENDING_BATCHES = 1
_HEARTBEAT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _EncodedBatch:
    """A batch in the formats that storage needs."""

    batch: Batch
    fingerprint: str
    rows: CopyRows
    shard: bytes
    """Parquet of all rows; used unchanged when none of them is a duplicate."""


def _encode(batch: Batch) -> _EncodedBatch:
    shard = to_parquet(batch.table) if batch.table.num_rows else b""
    return _EncodedBatch(batch, _fingerprint(batch), copy_rows(batch.table), shard)


class BatchWriter:
    """Writes the batches of one ingest in order; one thread encodes them, one stores them.

    Batches that an earlier attempt stored are encoded again, which takes less time than reading.

    At most one batch waits for the one being stored, so memory use is bounded. A batch that fails
    prevents later ones from being stored. Leaving the block waits until all batches are stored, or
    raises the first error.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        ingest_id: str,
        stored: dict[int, StoredBatch],
        lost: Collection[str],
        *,
        excluded: ExcludedKeys,
        encode: Callable[[Checkpoint], str | None],
        parts: int = 0,
        records: int = 0,
    ) -> None:
        """Start without a batch.

        Args:
            dependencies: adapters of collection.
            ingest_id: the ingest.
            stored: the batches of earlier attempts, by part.
            lost: keys of their clean shards that no longer exist; they are written again.
            excluded: the list with which the batches are read.
            encode: writes a checkpoint for the ledger.
            parts: how many batches come before; they are not read.
            records: how many records they have.
        """
        self._dependencies = dependencies
        self._ingest_id = ingest_id
        self.parts, self.records = parts, records
        self._stored = {part: batch for part, batch in stored.items() if part >= parts}
        self._last_before = stored.get(parts - 1)
        self._encode = encode
        self._lost = lost
        self._excluded = excluded
        self._encoder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encode")
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._pending: deque[Future[None]] = deque()
        self._last: Future[None] | None = None
        self._touched_at = time.monotonic()
        self._skipped: str | None = None
        self.stored_by_file: Counter[str] = Counter()
        """Stored rows of each dump; complete after the block."""

    def __enter__(self) -> Self:
        if self._last_before is not None:
            self._skip(self._last_before, None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._wait_until_pending(0)
            self._save_skipped()
        finally:
            # the writer first: its remaining batches wait for the encoder
            self._writer.shutdown(wait=True, cancel_futures=True)
            self._encoder.shutdown(wait=True, cancel_futures=True)

    def add(self, batch: Batch) -> None:
        """Queue the next batch; blocks while too many are pending.

        Raises:
            UnavailableError: an earlier batch could not be stored.
        """
        part, record = self.parts, self.records + 1
        self.parts += 1
        self.records += batch.rows_read
        encoded = self._encoder.submit(_encode, batch)
        mark = batch.mark
        checkpoint = self._encode(Checkpoint(self.parts, self.records, mark)) if mark else None
        self._last = self._writer.submit(self._store, part, record, encoded, self._last, checkpoint)
        self._pending.append(self._last)
        self._wait_until_pending(_MAX_PENDING_BATCHES)

    def _wait_until_pending(self, count: int) -> None:
        while len(self._pending) > count:
            self._pending.popleft().result()

    def _store(
        self,
        part: int,
        record: int,
        encoding: Future[_EncodedBatch],
        previous: Future[None] | None,
        checkpoint: str | None,
    ) -> None:
        if previous is not None:
            previous.result()  # raises its error, so that stored parts have no gap
        encoded = encoding.result()
        batch = encoded.batch
        earlier = self._stored.pop(part, None)
        is_stored = earlier is not None and earlier.fingerprint == encoded.fingerprint
        if earlier is not None and is_stored and not (earlier.recheck or self._is_lost(earlier)):
            self._skip(earlier, checkpoint)
            self.stored_by_file[batch.file] += earlier.rows
            return
        if not is_stored and (earlier is not None or self._stored):
            self._replace(part, record, earlier)
            earlier = None
        self._commit(part, record, encoded, earlier, checkpoint)
        self._skipped = None

    def _replace(self, part: int, record: int, earlier: StoredBatch | None) -> None:  # noqa: ARG002
        """Prepare for a batch that is read differently this time (a new mapping, new code).

        Everything from there on is stored again. ``earlier`` is None if the part is not stored and
        a later one is.
        """
        self._dependencies.ledger.delete_batches(self._ingest_id, part, record)
        self._stored = {}

    def _commit(
        self,
        part: int,
        record: int,
        encoded: _EncodedBatch,
        earlier: StoredBatch | None,
        checkpoint: str | None,
    ) -> None:
        """Store a batch; one that is stored gets the rows that have lost their owner."""
        batch, key = encoded.batch, layout.clean_shard(self._ingest_id, part)
        is_processed = False
        with self._dependencies.database.transaction() as connection:
            hold_owners(connection)
            require_unchanged(connection, self._excluded)
            if earlier is not None:
                # before its shard is overwritten, so that a worker sees that it has more rows
                lock_batch(connection, self._ingest_id, earlier)
            store_rejects(connection, self._ingest_id, batch.rejects)
            owned = store_reviews(connection, self._ingest_id, encoded.rows)
            accepted, rows = batch.table.num_rows, len(owned)
            if earlier is not None and rows == earlier.rows:
                is_processed = earlier.processed
                if self._is_lost(earlier):
                    self._put_shard(key, encoded, owned)
            elif rows:
                # before the commit: every shard in the ledger exists
                self._put_shard(key, encoded, owned)
            owners = owners_of_duplicates(connection, self._ingest_id) if rows < accepted else []
            counts = (accepted, len(batch.rejects), rows)
            stored = StoredBatch(part, encoded.fingerprint, *counts, key, duplicates_of=owners)
            record_batch(connection, self._ingest_id, stored, checkpoint, first_record=record)
        self.stored_by_file[batch.file] += rows
        if rows and not is_processed:
            self._queue(part, key, rows)

    def _put_shard(self, key: str, encoded: _EncodedBatch, owned: pa.Array) -> None:
        table = encoded.batch.table
        complete = len(owned) == table.num_rows
        self._dependencies.clean.put(
            key, encoded.shard if complete else to_parquet(_select(table, owned))
        )

    def _is_lost(self, stored: StoredBatch) -> bool:
        """Whether the clean shard of a stored batch no longer exists."""
        return stored.rows > 0 and stored.key in self._lost

    def _skip(self, batch: StoredBatch, checkpoint: str | None) -> None:
        """Queue a batch that an earlier attempt committed; its message may have been lost."""
        if batch.rows and not batch.processed:
            self._queue(batch.part, batch.key, batch.rows)
        self._skipped = checkpoint or self._skipped
        if time.monotonic() - self._touched_at > _HEARTBEAT_SECONDS:
            self._dependencies.ledger.touch(self._ingest_id)
            self._touched_at = time.monotonic()
            self._save_skipped()

    def _save_skipped(self) -> None:
        """Store where the next run goes on after batches that were stored before this one."""
        if self._skipped is not None:
            with self._dependencies.database.transaction() as connection:
                record_progress(connection, self._ingest_id, self._skipped)
            self._skipped = None

    def _queue(self, part: int, key: str, rows: int) -> None:
        message = ProcessShard(ingest_id=self._ingest_id, part=part, key=key, rows=rows)
        self._dependencies.processing_queue.send([message])


def _select(table: pa.Table, records: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["record"], value_set=records))


def _fingerprint(batch: Batch) -> str:
    """Hash the content of a batch, so that a resumed ingest recognises stored batches."""
    digest = hashlib.sha256()
    digest.update(f"{batch.rows_read}:{batch.table.num_rows}:".encode())
    for column in batch.table.columns:
        for chunk in column.chunks:
            for buffer in chunk.buffers():
                if buffer is not None:
                    digest.update(buffer)
    rejects = (f"{reject.record}:{reject.reason.value}" for reject in batch.rejects)
    digest.update(",".join(rejects).encode())
    return digest.hexdigest()[:32]
