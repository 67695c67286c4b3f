"""Reads clean shards, encodes them once, writes embeddings and analyses of a model version.

An adapted model's come from what the version with the same embeddings said, where it said it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sagemaker_jobs.score.config import ScoreConfig
from sagemaker_jobs.score.reuse import Reuse, reuse_of
from shared.aspects.judging import judged_mentions
from shared.db.aspects.readings import Readings, copy_readings, upsert_readings
from shared.db.connection import Database
from shared.db.ingest.adoption import closed_shards, unjudged_shards
from shared.db.ingest.analyses import upsert_analyses
from shared.db.ingest.ledger import Ledger
from shared.db.ingest.shards import lock_batch, process_lock
from shared.errors import NotFoundError
from shared.index.shards import list_pairs, place_of
from shared.runtime.scoring import Answers, Scored, put_scored, score
from shared.schemas.messages import ProcessShard
from shared.storage.objects import ObjectStore
from shared.storage.shards import from_parquet

log = logging.getLogger("score")
_WAIT_SECONDS = 60.0
"""What a job waits for a connection: a paused cluster takes some 15 s to wake."""
Progress = Callable[[int, int], None]


class VersionedEncoder(Protocol):
    """What scoring asks of a model."""

    @property
    def version(self) -> str:
        """The model version."""

    def encode(self, texts: Sequence[str]) -> Answers:
        """Encode texts, in their order."""


@dataclass(frozen=True)
class Ports:
    """What scoring reads and writes."""

    database: Database
    clean: ObjectStore
    artefacts: ObjectStore


@dataclass(slots=True)
class Report:
    """What one pass did: shards and reviews scored, and the keys of shards left over, with why.

    ``reused``: of the reviews those whose embeddings another version had made.
    """

    shards: int = 0
    reviews: int = 0
    reused: int = 0
    left: dict[str, str] = field(default_factory=dict)


def _nobody(_done: int, _total: int) -> None:
    """Report nothing."""


def _nothing() -> None:
    """Reuse nothing."""


def missing(ports: Ports, model_version: str) -> list[ProcessShard]:
    """Processed shards that a model has not judged as they are now, or whose pair is not there.

    Open shards are not among them: whoever processes those closes them soon.
    """
    with ports.database.transaction() as connection:
        closed = closed_shards(connection)
        unjudged = {(s.ingest_id, s.part) for s in unjudged_shards(connection, model_version)}
    pairs, _ = list_pairs(ports.artefacts, model_version)
    there = {place_of(pair.name, model_version) for pair in pairs}
    return [
        shard
        for shard in closed
        if (shard.ingest_id, shard.part) in unjudged
        or f"{shard.ingest_id}/part-{shard.part:05d}" not in there
    ]


def score_missing(
    ports: Ports,
    encoder: VersionedEncoder,
    *,
    progress: Progress = _nobody,
    reuse: Callable[[], Reuse | None] = _nothing,
) -> Report:
    """Score what a model has not judged: one pass over the shards that are processed now.

    Doing it again does what came meanwhile. Nothing that answers or insights show changes.

    Args:
        ports: what is read and written.
        encoder: the opened model.
        progress: told (shards done, shards in all) after each.
        reuse: opens what the model may take over from another one; asked where shards are missing.

    Raises:
        UnavailableError: the database or S3 does not answer.
    """
    report = Report()
    shards = missing(ports, encoder.version)
    taken_over = reuse() if shards else None
    for done, shard in enumerate(shards):
        progress(done, len(shards))
        try:
            rows, reused = _score(ports, encoder, shard, taken_over)
        except NotFoundError:
            report.left[shard.key] = "the clean shard is gone"
            continue
        if rows is None:
            report.left[shard.key] = "it is being processed or read anew"
            continue
        report.shards += 1
        report.reviews += rows
        report.reused += rows if reused else 0
        log.info("shards=%d/%d reviews=%d", done + 1, len(shards), report.reviews)
    progress(len(shards), len(shards))
    for key, reason in report.left.items():
        log.warning("%s is left over: %s", key, reason)
    return report


def _score(
    ports: Ports, encoder: VersionedEncoder, shard: ProcessShard, reuse: Reuse | None
) -> tuple[int | None, bool]:
    """Score one shard: its rows, and whether no text had to be read for it.

    The rows are None where somebody else has the shard or took its place.
    """
    # the lock of processing: nobody deletes or replaces the shard meanwhile
    with ports.database.lock(process_lock(shard.ingest_id, shard.part)) as held:
        stored = Ledger(ports.database).shard(shard.ingest_id, shard.part) if held else None
        if stored is None or not stored.processed:
            return None, False
        table = from_parquet(ports.clean.get(stored.key)[0])
        found = None
        if reuse is not None:
            found = reuse.score(ports.artefacts, ports.database, shard, table)
        scored: Scored = found or score(encoder.encode, table)
        # the words of mentions are the same: an adapted model takes over what was said of them
        readings = None if found else Readings.of(judged_mentions(encoder.encode, table, scored))
        put_scored(ports.artefacts, (encoder.version, shard.ingest_id, shard.part), table, scored)
        review_ids = table["review_id"].to_pylist()
        with ports.database.transaction() as connection:
            if not lock_batch(connection, shard.ingest_id, stored):
                return None, False
            upsert_analyses(
                connection,
                encoder.version,
                review_ids,
                scored.sentiments,
                scored.confidences.tolist(),
                scored.probabilities.T.tolist(),
                current=False,
            )
            if readings is not None:
                upsert_readings(connection, encoder.version, review_ids, readings)
            elif reuse is not None:
                copy_readings(connection, reuse.version, encoder.version, review_ids)
    return int(table.num_rows), found is not None


def open_database(config: ScoreConfig) -> Database:
    """The database that a config names, or else the environment."""
    from shared.db import access
    from shared.settings.base import DatabaseSettings

    waits, secret_id = _WAIT_SECONDS, config.database_secret_id
    if secret_id:
        named = DatabaseSettings(database_secret_id=secret_id, database_wait_seconds=waits)
        return access.open_database(named)
    return access.open_database(DatabaseSettings(database_wait_seconds=waits))


def run(config: ScoreConfig) -> Report:
    """Score with the real adapters (AWS, PostgreSQL, ONNX Runtime)."""
    from shared.runtime.loader import open_version
    from shared.storage.clients import client
    from shared.storage.objects import S3Store

    s3, database = client("s3"), open_database(config)
    try:
        ports = Ports(
            database, S3Store(s3, config.clean_bucket), S3Store(s3, config.artefact_bucket)
        )
        encoder = open_version(
            ports.artefacts, config.model_version, config.cache_dir, threads=config.threads
        )
        report = score_missing(
            ports,
            encoder,
            reuse=lambda: reuse_of(ports.artefacts, config.model_version, config.cache_dir),
        )
    finally:
        database.close()
    log.info(
        "scored %d reviews of %d shards, %d without reading them again",
        *(report.reviews, report.shards, report.reused),
    )
    return report
