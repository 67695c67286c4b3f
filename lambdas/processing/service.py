"""Encodes clean shards: one pass gives embeddings and sentiment."""

import logging
import time

import pyarrow as pa

from lambdas.processing.dependencies import Dependencies, Model
from shared.aspects.judging import judged_mentions
from shared.db import text_figures
from shared.db.aspects.readings import Readings, upsert_readings
from shared.db.duplicates.prints import upsert_prints
from shared.db.ingest.analyses import upsert_analyses
from shared.db.ingest.shards import StoredBatch, lock_batch, mark_processed, process_lock
from shared.db.insights import rollups
from shared.db.insights.work import note_at_work
from shared.duplicates.prints import print_of
from shared.errors import ConflictError, NotFoundError, UnavailableError
from shared.runtime.scoring import Scored, put_scored, score
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.schemas.sentiment import LABELS
from shared.storage.shards import from_parquet

log = logging.getLogger(__name__)
_HEARTBEAT_SECONDS = 10.0
_FIGURES_SECONDS = 30.0
"""Longest that the figures of insights are brought up to date at a time; the sweep has the rest."""


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
        # what is stored counts before it is analysed, and what a worker that died here left behind
        self._bring_figures_up_to_date()
        if self._is_done(message):
            return
        with self._with.database.lock(name) as held:
            if not held:
                raise UnavailableError("another worker processes this shard")
            shard = self._with.ledger.shard(message.ingest_id, message.part)
            last = shard is not None and not shard.processed and self._process(message, shard)
        self._bring_figures_up_to_date()
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
            log.warning("a shard that the ledger does not know", extra={"key": message.key})
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
        scored, readings = self._read(model, table, message)
        place = (model.version, message.ingest_id, message.part)
        put_scored(self._with.artefacts, place, table, scored)
        prints = _prints(table)
        with self._with.database.transaction() as connection:
            if not lock_batch(connection, message.ingest_id, shard):
                # what takes its place has a message of its own
                log.warning("a shard was read anew meanwhile", extra={"key": message.key})
                return False
            review_ids = table["review_id"].to_pylist()
            upsert_analyses(
                connection,
                model.version,
                review_ids,
                scored.sentiments,
                scored.confidences.tolist(),
                scored.probabilities.T.tolist(),
            )
            upsert_readings(connection, model.version, review_ids, readings)
            upsert_prints(connection, *prints)
            last = mark_processed(connection, message, model.version)
        self._note_at_work(model.version)
        log.info(
            "shard processed",
            extra={
                "ingest_id": message.ingest_id,
                "part": message.part,
                "rows": table.num_rows,
                "mentions": len(readings.aspects),
                "model_version": model.version,
                "seconds": round(time.monotonic() - started, 3),
                **_figures(scored),
            },
        )
        return last

    def _read(
        self, model: Model, table: pa.Table, message: ProcessShard
    ) -> tuple[Scored, Readings]:
        """What the model says of the reviews, and of their sentences that mention something."""
        touched = time.monotonic()

        def beat() -> None:
            nonlocal touched
            if time.monotonic() - touched > _HEARTBEAT_SECONDS:
                self._with.ledger.touch_shard(message.ingest_id, message.part)
                touched = time.monotonic()

        encode, parallel = model.encoder.encode, model.parallel
        scored = score(encode, table, parallel=parallel, beat=beat)
        found = judged_mentions(encode, table, scored, parallel=parallel, beat=beat)
        return scored, Readings.of(found)

    def _bring_figures_up_to_date(self) -> None:
        """Figures may come late; the shard must not be done again for them."""
        for part in (rollups, text_figures):  # each by itself, whatever becomes of the other
            try:
                part.refresh(self._with.database, seconds=_FIGURES_SECONDS)
            except UnavailableError as error:
                log.warning("the figures are not up to date: %s", error.message)
            except Exception:
                log.exception("the figures cannot be brought up to date")

    def _note_at_work(self, version: str) -> None:
        try:
            note_at_work(self._with.database, self._with.artefacts, version)
        except UnavailableError as error:
            log.warning("drift of %s is not measured yet: %s", version, error.message)

    def _ask_for_index(self, ingest_id: str) -> None:
        self._with.index_queue.send([BuildIndex(reason=f"{ingest_id} is processed")])


def _prints(table: pa.Table) -> tuple[list[str], list[int], list[tuple[int, ...]]]:
    """Review ids, fingerprints and bands of the texts that are long enough to be copies."""
    rows = zip(table["review_id"].to_pylist(), table["text"].to_pylist(), strict=True)
    found = [(review_id, made) for review_id, text in rows if (made := print_of(text))]
    return (
        [review_id for review_id, _ in found],
        [made.fingerprint for _, made in found],
        [made.bands for _, made in found],
    )


def _figures(scored: Scored) -> dict[str, float]:
    """What drift is seen by: the share of each sentiment, and how sure the model was."""
    found = scored.sentiments
    shares = {f"{label.value}_share": found.count(label.value) / len(found) for label in LABELS}
    figures = {**shares, "mean_confidence": float(scored.confidences.mean())}
    return {name: round(figure, 4) for name, figure in figures.items()}
