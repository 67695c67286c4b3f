"""Scores one clean shard with a model and stores the scores: embeddings, analyses, mentions.

Processing and the job that scores all stored reviews with another model both use this module.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa

from shared.aspects.clauses import find_mixed
from shared.aspects.scoring import score_mentions
from shared.db.aspects.readings import Readings, upsert_readings
from shared.db.connection import Connection, Database
from shared.db.ingest.analyses import upsert_analyses
from shared.db.ingest.shards import StoredBatch, lock_batch
from shared.language.understanding import TextLanguage, language_of
from shared.runtime.cascade import Cascade
from shared.runtime.scoring import (
    Encode,
    Scored,
    ask_second,
    ignore_progress,
    model_texts,
    put_scored,
    score,
)
from shared.schemas.decisions import Decisions
from shared.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class ShardScores:
    """A clean shard and its scores, row by row.

    ``mixed`` says of each review whether its sentences contradict each other (None: not known).
    ``readings`` is None if the caller copies the mentions of another model version.
    """

    table: pa.Table
    scored: Scored
    readings: Readings | None
    languages: list[TextLanguage]
    mixed: list[bool | None]

    @property
    def review_ids(self) -> list[str]:
        """The reviews of the shard, in row order."""
        return list(self.table["review_id"].to_pylist())


def score_shard(
    encode: Encode,
    decisions: Decisions,
    table: pa.Table,
    *,
    cascade: Cascade | None = None,
    parallel: int = 1,
    on_progress: Callable[[], None] = ignore_progress,
) -> ShardScores:
    """Score the reviews of a clean shard and the sentences in them that mention an aspect.

    Args:
        encode: the model.
        decisions: the model's rules for labels.
        table: at least one row of CLEAN_SCHEMA.
        cascade: a second model, for the sentiment of reviews of which the model is not sure.
        parallel: number of concurrent calls of ``encode``.
        on_progress: called after each batch of texts.
    """
    scored = score(encode, table, decisions.review, parallel=parallel, on_progress=on_progress)
    mixed = find_mixed(model_texts(table), scored.tokens, decisions.sentence)
    scores = derived_scores(table, scored, mixed, cascade)
    mentions = score_mentions(
        encode,
        table,
        scores.scored,
        decisions.sentence,
        understood=[understood for _, understood in scores.languages],
        parallel=parallel,
        on_progress=on_progress,
    )
    return replace(scores, readings=Readings.from_mentions(mentions))


def derived_scores(
    table: pa.Table, scored: Scored, mixed: list[bool | None], cascade: Cascade | None
) -> ShardScores:
    """Scores without mentions: adds the languages, and the sentiments of the second model.

    Args:
        table: the clean shard.
        scored: its scores by the first model.
        mixed: whether sentences of a review contradict each other.
        cascade: a second model, for the sentiment of reviews of which the first is not sure.
    """
    languages = shard_languages(table, scored)
    if cascade is not None:
        understood = [understood for _, understood in languages]
        scored = ask_second(cascade, table, scored, understood)
    return ShardScores(table, scored, None, languages, mixed)


def shard_languages(table: pa.Table, scored: Scored) -> list[TextLanguage]:
    """The language of each review of a clean shard, and whether the model understands it."""
    return list(map(language_of, model_texts(table), scored.unknown_shares))


@contextmanager
def store_scores(
    database: Database,
    artefacts: ObjectStore,
    place: tuple[str, str, int],
    batch: StoredBatch,
    scores: ShardScores,
    *,
    current: bool = True,
) -> Iterator[Connection | None]:
    """Write scores to the artefact bucket and the database; the body joins the transaction.

    The batch is locked before anything is written: a worker whose lock of the shard was lost may be
    late, and must not write embeddings of reviews that were removed meanwhile.

    Args:
        database: receives analyses and mentions.
        artefacts: receives the pair of shards that an index build reads.
        place: model version, ingest id, part.
        batch: the batch that the clean shard was read from.
        scores: the shard's scores.
        current: False for a candidate: its analyses do not count until it is activated.

    Yields:
        The open transaction with the rows in it, committed at the end of the body; None, with
        nothing written, if the batch is gone or another one has replaced it.

    Raises:
        UnavailableError: the database or the bucket does not answer.
    """
    version, ingest_id, _ = place
    with database.transaction() as connection:
        if not lock_batch(connection, ingest_id, batch):
            yield None
            return
        put_scored(artefacts, place, scores.table, scores.scored, scores.languages)
        review_ids, scored = scores.review_ids, scores.scored
        upsert_analyses(
            connection,
            version,
            review_ids,
            scored.sentiments,
            scored.confidences.tolist(),
            scored.probabilities.T.tolist(),
            scores.languages,
            sure=scored.sure.tolist(),
            mixed=[
                flag if understood else None
                for flag, (_, understood) in zip(scores.mixed, scores.languages, strict=True)
            ],
            sentiment_models=scored.sentiment_models,
            current=current,
        )
        if scores.readings is not None:
            upsert_readings(connection, version, review_ids, scores.readings)
        yield connection
