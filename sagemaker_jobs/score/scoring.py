"""Scores processed shards with one model version: embeddings, analyses and mentions.

Scores of an adapted model are derived from those of the version that it shares embeddings with,
if they exist.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sagemaker_jobs.score.reuse import Reuse
from shared.db.aspects.readings import copy_readings
from shared.db.connection import Database
from shared.db.ingest.adoption import processed_shards, unanalysed_shards
from shared.db.ingest.ledger import Ledger
from shared.db.ingest.shards import process_lock
from shared.errors import ArtefactError, NotFoundError
from shared.index.shards import list_pairs, shard_of
from shared.runtime.cascade import Cascade, SecondModel
from shared.runtime.scoring import Encodings
from shared.schemas.decisions import Decisions
from shared.schemas.formats import FormatError
from shared.schemas.messages import ProcessShard
from shared.scoring.shard import derived_scores, score_shard, store_scores
from shared.storage.objects import ObjectStore
from shared.storage.shards import read_clean

log = logging.getLogger("score")
Progress = Callable[[int, int], None]


class VersionedEncoder(Protocol):
    """An opened model."""

    @property
    def version(self) -> str:
        """The model version."""

    @property
    def decisions(self) -> Decisions:
        """Its rules for labels."""

    def encode(self, texts: Sequence[str]) -> Encodings:
        """Encode texts, in their order."""


@dataclass(frozen=True)
class Dependencies:
    """Adapters that scoring reads from and writes to."""

    database: Database
    clean: ObjectStore
    artefacts: ObjectStore
    second: SecondModel | None = field(default=None, kw_only=True)
    """The second model of a cascade."""

    def cascade(self) -> Cascade | None:
        """The cascade, if there is one and its second model can be used."""
        if self.second is None:
            return None
        cascade = self.second.cascade(wait=True)
        if self.second.problem:
            log.warning("%s: the first model gives all sentiments", self.second.problem)
        return cascade


@dataclass(slots=True)
class Report:
    """Result of one pass: shards and reviews scored, and skipped shard keys with the reason.

    ``reused`` counts the reviews whose scores were derived from another version's.
    """

    shards: int = 0
    reviews: int = 0
    reused: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


def _ignore_progress(_done: int, _total: int) -> None:
    """Ignore progress."""


def _no_reuse() -> None:
    """Score every text with the model."""


def unscored_shards(dependencies: Dependencies, model_version: str) -> list[ProcessShard]:
    """Processed shards that lack up-to-date analyses, or a pair in the bucket, by a model.

    Open shards are excluded: processing closes them soon.
    """
    with dependencies.database.transaction() as connection:
        closed = processed_shards(connection)
        unjudged = {(s.ingest_id, s.part) for s in unanalysed_shards(connection, model_version)}
    pairs, _ = list_pairs(dependencies.artefacts, model_version)
    embedded = {shard_of(pair.name, model_version) for pair in pairs}
    return [
        shard
        for shard in closed
        if (shard.ingest_id, shard.part) in unjudged
        or f"{shard.ingest_id}/part-{shard.part:05d}" not in embedded
    ]


def score_missing(
    dependencies: Dependencies,
    encoder: VersionedEncoder,
    *,
    progress: Progress = _ignore_progress,
    reuse: Callable[[], Reuse | None] = _no_reuse,
) -> Report:
    """Score the shards that a model has not scored: one pass over those processed by now.

    A second call scores the shards that arrived since. Neither the API's answers nor the insights
    change.

    Args:
        dependencies: adapters to read from and write to.
        encoder: the opened model.
        progress: called with (shards done, shards in all) around each shard.
        reuse: opens the version to derive scores from; called only if shards are missing.

    Raises:
        UnavailableError: the database or S3 does not answer.
    """
    report = Report()
    shards = unscored_shards(dependencies, encoder.version)
    base = reuse() if shards else None
    for done, shard in enumerate(shards):
        progress(done, len(shards))
        try:
            rows, reused = _score(dependencies, encoder, shard, base)
        except FormatError:
            raise
        except (NotFoundError, ArtefactError):
            report.skipped[shard.key] = "the clean shard is lost or damaged"
            continue
        if rows is None:
            report.skipped[shard.key] = "it is being processed or was replaced"
            continue
        report.shards += 1
        report.reviews += rows
        report.reused += rows if reused else 0
        log.info("shards=%d/%d reviews=%d", done + 1, len(shards), report.reviews)
    progress(len(shards), len(shards))
    for key, reason in report.skipped.items():
        log.warning("skipped %s: %s", key, reason)
    return report


def _score(
    dependencies: Dependencies, encoder: VersionedEncoder, shard: ProcessShard, reuse: Reuse | None
) -> tuple[int | None, bool]:
    """Score one shard: its number of rows, and whether the scores were derived without encoding.

    The number is None if another worker has the shard or another batch replaced it.
    """
    database, artefacts = dependencies.database, dependencies.artefacts
    # the lock of processing: no other worker deletes or replaces the shard in the meantime
    with database.lock(process_lock(shard.ingest_id, shard.part)) as acquired:
        batch = Ledger(database).shard(shard.ingest_id, shard.part) if acquired else None
        if batch is None or not batch.processed:
            return None, False
        table = read_clean(dependencies.clean, batch.key)
        cascade = dependencies.cascade()
        derived = reuse.score(artefacts, database, shard, table) if reuse else None
        # an adapted model reads the same mentions: they are copied below
        scores = (
            derived_scores(table, *derived, cascade)
            if derived
            else score_shard(encoder.encode, encoder.decisions, table, cascade=cascade)
        )
        place = (encoder.version, shard.ingest_id, shard.part)
        with store_scores(database, artefacts, place, batch, scores, current=False) as connection:
            if connection is None:
                return None, False
            if derived and reuse:
                copy_readings(connection, reuse.version, encoder.version, scores.review_ids)
    return int(table.num_rows), derived is not None
