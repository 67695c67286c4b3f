"""Encodes clean shards: one pass gives embeddings and sentiment."""

import io
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from lambdas.processing.dependencies import Dependencies, Model
from shared.db.analyses import upsert_analyses
from shared.db.shards import StoredBatch, lock_batch, mark_processed, process_lock
from shared.errors import ConflictError, NotFoundError, UnavailableError
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.schemas.review import model_text
from shared.schemas.sentiment import LABELS
from shared.storage import layout
from shared.storage.shards import SERVED_SCHEMA, from_parquet, to_parquet

_LOG = logging.getLogger(__name__)
_CHUNK_ROWS = 512
_HEARTBEAT_SECONDS = 10.0


class _Judged(NamedTuple):
    """Of n reviews: embeddings float16 (n, dimension), probabilities (n, 3), labels, their p."""

    embeddings: np.ndarray[Any, Any]
    probabilities: np.ndarray[Any, Any]
    sentiments: list[str]
    confidences: np.ndarray[Any, Any]


class Processor:
    """Does the work of one ProcessShard message; doing it again changes nothing."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._with = dependencies

    def process(self, message: ProcessShard) -> None:
        """Encode one shard, write what came out, and ask for an index after an ingest's last.

        Raises:
            UnavailableError: something does not answer, or another worker has this shard now.
            NotFoundError: the clean shard is gone.
        """
        name = process_lock(message.ingest_id, message.part)
        if self._is_done(message):
            return
        with self._with.database.lock(name) as held:
            if not held:
                raise UnavailableError("another worker processes this shard")
            shard = self._with.ledger.shard(message.ingest_id, message.part)
            last = shard is not None and not shard.processed and self._process(message, shard)
        if last:
            self._ask_for_index(message.ingest_id)

    def queue(self, ingest_id: str) -> int:
        """Queue the open shards of an ingest.

        Returns:
            How many.

        Raises:
            NotFoundError: no such ingest.
            ConflictError: it is not collected yet.
        """
        status = self._with.ledger.status_of(ingest_id)
        if status is None:
            raise NotFoundError("there is no such ingest")
        if status in (IngestStatus.RECEIVED, IngestStatus.COLLECTING):
            raise ConflictError("the ingest is not collected yet")
        shards = self._with.ledger.open_shards(ingest_id)
        self._with.processing_queue.send(shards)
        if not shards and self._with.ledger.settled(ingest_id):
            self._ask_for_index(ingest_id)
        return len(shards)

    def _is_done(self, message: ProcessShard) -> bool:
        shard = self._with.ledger.shard(message.ingest_id, message.part)
        if shard is None or not shard.rows:
            _LOG.warning("a shard that the ledger does not know", extra={"key": message.key})
            return True
        if shard.processed and self._with.ledger.settled(message.ingest_id):
            # whoever closed the last shard may have died before it could say so
            self._ask_for_index(message.ingest_id)
        return shard.processed

    def _process(self, message: ProcessShard, shard: StoredBatch) -> bool:
        started = time.monotonic()
        model = self._with.models()
        self._with.ledger.touch_shard(message.ingest_id, message.part)
        table = from_parquet(self._with.clean.get(shard.key)[0])
        judged = self._judge(model, table, message)
        place = (model.version, message.ingest_id, message.part)
        self._with.artefacts.put(layout.embedding_shard(*place), _npy(judged.embeddings))
        self._with.artefacts.put(layout.analysis_shard(*place), to_parquet(_served(table, judged)))
        with self._with.database.transaction() as connection:
            if not lock_batch(connection, message.ingest_id, shard):
                # what takes its place has a message of its own
                _LOG.warning("a shard was read anew meanwhile", extra={"key": message.key})
                return False
            upsert_analyses(
                connection,
                model.version,
                table["review_id"].to_pylist(),
                judged.sentiments,
                judged.confidences.tolist(),
                judged.probabilities.T.tolist(),
            )
            last = mark_processed(connection, message, model.version)
        _LOG.info(
            "shard processed",
            extra={
                "ingest_id": message.ingest_id,
                "part": message.part,
                "rows": table.num_rows,
                "model_version": model.version,
                "seconds": round(time.monotonic() - started, 3),
            },
        )
        return last

    def _judge(self, model: Model, table: pa.Table, message: ProcessShard) -> _Judged:
        titles, bodies = table["title"].to_pylist(), table["text"].to_pylist()
        texts = [model_text(title, text) for title, text in zip(titles, bodies, strict=True)]
        chunks = [texts[at : at + _CHUNK_ROWS] for at in range(0, len(texts), _CHUNK_ROWS)]
        vectors, chances = [], []
        touched = time.monotonic()
        with ThreadPoolExecutor(model.parallel, thread_name_prefix="encode") as pool:
            for encoded in pool.map(model.encoder.encode, chunks):
                vectors.append(np.asarray(encoded.embeddings, np.float16))
                chances.append(np.asarray(encoded.probabilities, np.float32))
                if time.monotonic() - touched > _HEARTBEAT_SECONDS:
                    self._with.ledger.touch_shard(message.ingest_id, message.part)
                    touched = time.monotonic()
        probabilities = np.concatenate(chances)
        best = probabilities.argmax(axis=1)
        return _Judged(
            np.concatenate(vectors),
            probabilities,
            [LABELS[index].value for index in best],
            probabilities.max(axis=1),
        )

    def _ask_for_index(self, ingest_id: str) -> None:
        self._with.index_queue.send([BuildIndex(reason=f"{ingest_id} is processed")])


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=False)
    return sink.getvalue()


def _served(table: pa.Table, judged: _Judged) -> pa.Table:
    """What answers show of each review, in the order of the embeddings."""
    made = {
        "sentiment": pa.array(judged.sentiments, pa.string()),
        "confidence": pa.array(judged.confidences, pa.float32()),
    }
    columns = [made[name] if name in made else table[name] for name in SERVED_SCHEMA.names]
    return pa.Table.from_arrays(columns, schema=SERVED_SCHEMA)
