"""Scores clean shards: one encoder pass returns embeddings and sentiment."""

import logging
import time
from collections import Counter
from collections.abc import Callable

import pyarrow as pa

from lambdas.processing.dependencies import Dependencies
from lambdas.processing.shard_repair import repair_clean_shard
from shared.db import text_figures
from shared.db.duplicates.prints import upsert_prints
from shared.db.ingest.announcements import announce
from shared.db.ingest.attempts import begin_attempt, give_up, record_failure, reopen_failed
from shared.db.ingest.shards import StoredBatch, mark_processed, process_lock
from shared.db.insights import rollups
from shared.db.insights.active_model import record_active_model
from shared.duplicates.prints import text_print
from shared.errors import (
    ArtefactError,
    ConflictError,
    NotFoundError,
    UnavailableError,
    WaitingError,
)
from shared.schemas.formats import FormatError
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.schemas.sentiment import LABELS
from shared.scoring.shard import ShardScores, score_shard, store_scores
from shared.storage import layout
from shared.storage.layout import pair_stem
from shared.storage.shards import read_clean

log = logging.getLogger(__name__)
_HEARTBEAT_SECONDS = 10.0
_REFRESH_SECONDS = 30.0
"""Time limit of one refresh of the insights figures; the sweep completes it."""


class Processor:
    """Handles ProcessShard messages; handling one twice changes nothing."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    def process(self, message: ProcessShard) -> None:
        """Score one shard, store the scores, and request an index after an ingest's last shard.

        Raises:
            UnavailableError: a dependency does not answer, or another worker has the shard.
            FormatError: this release does not read the format of the clean shard.
        """
        lock = process_lock(message.ingest_id, message.part)
        # counts stored reviews before they are analysed, and changes left by a worker that died
        self._refresh_figures()
        if self._is_done(message):
            return
        with self._dependencies.database.lock(lock) as acquired:
            if not acquired:
                raise WaitingError("another worker is processing this shard")
            shard = self._dependencies.ledger.shard(message.ingest_id, message.part)
            last = (
                shard is not None
                and not self._is_scored(message, shard)
                and self._attempt(message, shard)
            )
        self._refresh_figures()
        if last:
            self._finish(message.ingest_id)

    def queue(self, ingest_id: str) -> int:
        """Queue the shards of an ingest that no model has processed; failed ones are open again.

        Returns:
            The number of shards queued.

        Raises:
            NotFoundError: no such ingest.
            ConflictError: the ingest is not collected yet.
        """
        status = self._dependencies.ledger.status(ingest_id)
        if status is None:
            raise NotFoundError("ingest not found")
        if status in (IngestStatus.RECEIVED, IngestStatus.COLLECTING):
            raise ConflictError("the ingest is not collected yet")
        reopen_failed(self._dependencies.database, ingest_id)
        shards = self._dependencies.ledger.open_shards(ingest_id)
        self._dependencies.processing_queue.send(shards)
        if not shards and self._dependencies.ledger.complete(ingest_id):
            self._request_index(ingest_id)
        return len(shards)

    def _is_done(self, message: ProcessShard) -> bool:
        shard = self._dependencies.ledger.shard(message.ingest_id, message.part)
        if shard is None or not shard.rows:
            log.warning("the shard is not in the ledger", extra={"key": message.key})
            return True
        if not shard.failed and not self._is_scored(message, shard):
            return False
        if self._dependencies.ledger.complete(message.ingest_id):
            # the worker that ended the last shard may have died before it requested the index
            self._finish(message.ingest_id)
        return True

    def _is_scored(self, message: ProcessShard, shard: StoredBatch) -> bool:
        """Whether a shard is processed, and no half of its pair of shards is lost."""
        if not shard.processed:
            return False
        model = self._dependencies.current_model()
        if shard.model_version != model.version:
            return True
        place = (model.version, message.ingest_id, message.part)
        wanted = {layout.embedding_shard(*place), layout.analysis_shard(*place)}
        return wanted <= {info.key for info in self._dependencies.artefacts.list(pair_stem(*place))}

    def _attempt(self, message: ProcessShard, shard: StoredBatch) -> bool:
        """Process a shard, or give it up; return whether it was the ingest's last open one."""
        database, limit = self._dependencies.database, self._dependencies.max_shard_attempts
        if not begin_attempt(database, message, limit):
            return self._give_up(message)
        try:
            return self._process(message, shard)
        except Exception as error:
            try:
                reason = record_failure(database, message, error, limit)
            except UnavailableError:
                raise error from None
            if reason is None:
                raise
            log.warning("the last attempt at a shard failed", exc_info=error)
            return self._give_up(message, reason)

    def _give_up(self, message: ProcessShard, reason: str | None = None) -> bool:
        reason, last = give_up(self._dependencies.database, message, reason)
        # cdk/constructs/failed_shards.py raises an alarm at this line
        place = {"ingest_id": message.ingest_id, "part": message.part, "rows": message.rows}
        log.error("shard given up: %s", reason, extra=place)
        return last

    def _process(self, message: ProcessShard, shard: StoredBatch) -> bool:
        """Process a shard; return whether it was the ingest's last open one."""
        started = time.monotonic()
        model, dependencies = self._dependencies.current_model(), self._dependencies
        table = self._read_clean(message, shard)
        if table is None:
            return False
        on_progress = self._heartbeat(message)
        encoder = model.encoder
        second = dependencies.second
        cascade = second.cascade(wait=True) if second else None
        if second is not None and second.problem:
            log.warning("%s: %s gives all sentiments", second.problem, model.version)
        scores = score_shard(
            encoder.encode,
            encoder.decisions,
            table,
            cascade=cascade,
            parallel=model.parallel,
            on_progress=on_progress,
        )
        prints = _prints(table)
        place = (model.version, message.ingest_id, message.part)
        with store_scores(
            dependencies.database, dependencies.artefacts, place, shard, scores
        ) as connection:
            if connection is None:
                # the batch that replaced it has a message of its own
                log.warning("the shard was replaced during processing", extra={"key": message.key})
                return False
            upsert_prints(connection, *prints)
            last = mark_processed(connection, message, model.version, _language_counts(scores))
        self._record_active_model(model.version)
        seconds = round(time.monotonic() - started, 3)
        log.info("shard processed", extra=_log_fields(place, scores, seconds))
        return last

    def _read_clean(self, message: ProcessShard, shard: StoredBatch) -> pa.Table | None:
        """Read a clean shard; None if it is lost or damaged, and its dump is read again instead."""
        try:
            table = read_clean(self._dependencies.clean, shard.key)
        except FormatError:
            raise
        except (NotFoundError, ArtefactError) as error:
            if repair_clean_shard(self._dependencies, message.ingest_id, message.part):
                return None
            raise UnavailableError(error.message) from error
        if table.num_rows == shard.rows:
            return table
        if repair_clean_shard(self._dependencies, message.ingest_id, message.part):
            return None
        raise WaitingError("the shard was stored again with more rows")

    def _heartbeat(self, message: ProcessShard) -> Callable[[], None]:
        """A callback that marks the shard as being worked on, every _HEARTBEAT_SECONDS."""
        touched = time.monotonic()

        def beat() -> None:
            nonlocal touched
            if time.monotonic() - touched > _HEARTBEAT_SECONDS:
                self._dependencies.ledger.touch_shard(message.ingest_id, message.part)
                touched = time.monotonic()

        return beat

    def _refresh_figures(self) -> None:
        """Bring insights up to date; a failure is logged, and the shard is not processed again."""
        for figures in (rollups, text_figures):  # a failure of one does not stop the other
            try:
                figures.refresh(self._dependencies.database, seconds=_REFRESH_SECONDS)
            except UnavailableError as error:
                log.warning("the figures are not up to date: %s", error.message)
            except Exception:
                log.exception("the figures cannot be brought up to date")

    def _record_active_model(self, version: str) -> None:
        try:
            record_active_model(self._dependencies.database, self._dependencies.artefacts, version)
        except UnavailableError as error:
            log.warning("drift of %s is not measured yet: %s", version, error.message)

    def _finish(self, ingest_id: str) -> None:
        self._request_index(ingest_id)
        dependencies = self._dependencies
        announce(dependencies.database, dependencies.ledger, dependencies.events, ingest_id)

    def _request_index(self, ingest_id: str) -> None:
        self._dependencies.index_queue.send([BuildIndex(reason=f"{ingest_id} is processed")])


def _language_counts(scores: ShardScores) -> Counter[str]:
    return Counter(language for language, _ in scores.languages)


def _prints(table: pa.Table) -> tuple[list[str], list[int], list[tuple[int, ...]]]:
    """Review ids, fingerprints and bands of the texts that are long enough to be copies."""
    rows = zip(table["review_id"].to_pylist(), table["text"].to_pylist(), strict=True)
    prints = [(review_id, each) for review_id, text in rows if (each := text_print(text))]
    return (
        [review_id for review_id, _ in prints],
        [each.fingerprint for _, each in prints],
        [each.bands for _, each in prints],
    )


def _log_fields(
    place: tuple[str, str, int], scores: ShardScores, seconds: float
) -> dict[str, object]:
    version, ingest_id, part = place
    return {
        "ingest_id": ingest_id,
        "part": part,
        "rows": scores.table.num_rows,
        "mentions": len(scores.readings.aspects) if scores.readings else 0,
        "model_version": version,
        "seconds": seconds,
        "not_understood": sum(not understood for _, understood in scores.languages),
        **_drift_figures(scores),
    }


def _drift_figures(scores: ShardScores) -> dict[str, float]:
    """Figures that show drift: the share of each sentiment and the mean confidence.

    They are those of the reviews that the model understands; none if it understands no review.
    """
    rows = [row for row, (_, understood) in enumerate(scores.languages) if understood]
    if not rows:
        return {}
    sentiments = [scores.scored.sentiments[row] for row in rows]
    shares = {
        f"{label.value}_share": sentiments.count(label.value) / len(sentiments) for label in LABELS
    }
    confidence = float(scores.scored.confidences[rows].mean())
    figures = {**shares, "mean_confidence": confidence}
    return {name: round(figure, 4) for name, figure in figures.items()}
