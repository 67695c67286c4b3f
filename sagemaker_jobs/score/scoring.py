"""Scores processed shards with one model version: embeddings, analyses and mentions.

Scores of an adapted model are derived from those of the version that it shares embeddings with,
if they exist.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sagemaker_jobs.score.reuse import Reuse
from shared.db.connection import Database
from shared.errors import ArtefactError, NotFoundError
from shared.runtime.cascade import Cascade, SecondModel
from shared.schemas.formats import FormatError
from shared.scoring.stored import Source, VersionedEncoder, score_stored, unscored_shards
from shared.storage.objects import ObjectStore

log = logging.getLogger("score")
Progress = Callable[[int, int], None]


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
    database, artefacts = dependencies.database, dependencies.artefacts
    shards = unscored_shards(database, artefacts, encoder.version)
    base = reuse() if shards else None
    source = Source(base.version, partial(base.score, artefacts, database)) if base else None
    for done, shard in enumerate(shards):
        progress(done, len(shards))
        try:
            rows, reused = score_stored(
                database,
                dependencies.clean,
                artefacts,
                encoder,
                shard,
                cascade=dependencies.cascade(),
                source=source,
            )
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
