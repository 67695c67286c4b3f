"""Scores reviews that are stored already with a model that is not current yet, shard by shard.

The job that activates a model and the steps of the state machine that prepares it use this module.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from shared.db.aspects.readings import copy_readings
from shared.db.connection import Database
from shared.db.ingest.adoption import processed_shards, unanalysed_shards
from shared.db.ingest.ledger import Ledger
from shared.db.ingest.shards import process_lock
from shared.runtime.cascade import Cascade, SentimentModel
from shared.runtime.scoring import Encodings, Scored
from shared.schemas.messages import ProcessShard
from shared.scoring.shard import derived_scores, score_shard, store_scores
from shared.storage.objects import ObjectStore
from shared.storage.pairs import list_pairs, shard_of
from shared.storage.shards import read_clean


class VersionedEncoder(SentimentModel, Protocol):
    """An opened model."""

    def encode(self, texts: Sequence[str]) -> Encodings:
        """Encode texts, in their order."""


@dataclass(frozen=True)
class Source:
    """A model version from whose stored scores those of another one are derived.

    ``derive`` returns the scores of a clean shard and whether each review is mixed, or None if
    this version has not scored the shard in its current state.
    """

    version: str
    derive: Callable[[ProcessShard, pa.Table], tuple[Scored, list[bool | None]] | None]


def unscored_shards(
    database: Database, artefacts: ObjectStore, model_version: str
) -> list[ProcessShard]:
    """Processed shards that lack up-to-date analyses, or a pair in the bucket, by a model.

    Open shards are excluded: processing closes them soon.
    """
    with database.transaction() as connection:
        closed = processed_shards(connection)
        unjudged = {(s.ingest_id, s.part) for s in unanalysed_shards(connection, model_version)}
    pairs, _ = list_pairs(artefacts, model_version)
    embedded = {shard_of(pair.name, model_version) for pair in pairs}
    return [
        shard
        for shard in closed
        if (shard.ingest_id, shard.part) in unjudged
        or f"{shard.ingest_id}/part-{shard.part:05d}" not in embedded
    ]


def score_stored(
    database: Database,
    clean: ObjectStore,
    artefacts: ObjectStore,
    encoder: VersionedEncoder,
    shard: ProcessShard,
    *,
    cascade: Cascade | None = None,
    source: Source | None = None,
    parallel: int = 1,
) -> tuple[int | None, bool]:
    """Score one processed shard; doing it again changes nothing.

    Args:
        database: receives analyses and mentions; they do not count until the model is active.
        clean: the bucket of the clean shards.
        artefacts: receives the pair that an index build reads.
        encoder: the model.
        shard: the shard.
        cascade: a second model, for the sentiment of reviews of which the model is not sure.
        source: a version to derive the scores from, without encoding.
        parallel: number of concurrent calls of ``encode``.

    Returns:
        Its number of rows, and whether the scores were derived. The number is None if another
        worker has the shard or another batch replaced it.

    Raises:
        NotFoundError: the clean shard is lost.
        ArtefactError: it is damaged.
        FormatError: this release does not read its format.
        UnavailableError: the database or a bucket does not answer.
    """
    # the lock of processing: no other worker deletes or replaces the shard in the meantime
    with database.lock(process_lock(shard.ingest_id, shard.part)) as acquired:
        batch = Ledger(database).shard(shard.ingest_id, shard.part) if acquired else None
        if batch is None or not batch.processed:
            return None, False
        table = read_clean(clean, batch.key)
        derived = source.derive(shard, table) if source else None
        # an adapted model reads the same mentions: they are copied below
        scores = (
            derived_scores(table, *derived, cascade)
            if derived
            else score_shard(
                encoder.encode, encoder.decisions, table, cascade=cascade, parallel=parallel
            )
        )
        place = (encoder.version, shard.ingest_id, shard.part)
        with store_scores(database, artefacts, place, batch, scores, current=False) as connection:
            if connection is None:
                return None, False
            if derived and source:
                copy_readings(connection, source.version, encoder.version, scores.review_ids)
    return int(table.num_rows), derived is not None
