"""Scores a clean shard: an embedding and an analysis for each row.

For the write side (processing, and the job that scores all reviews again): it loads pyarrow.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from shared.runtime.cascade import Cascade
from shared.runtime.decisions import Decided, decide
from shared.runtime.spans import TokenLogits
from shared.schemas.decisions import Kind, Rule
from shared.schemas.review import model_text
from shared.schemas.sentiment import LABELS, Sentiment
from shared.storage import layout
from shared.storage.objects import ObjectStore
from shared.storage.shard_schemas import SERVED_SCHEMA
from shared.storage.shards import to_parquet

_TEXTS_PER_CALL = 512


class Encodings(Protocol):
    """Unit vectors (n, dimension) and calibrated probabilities (n, 3) of n texts."""

    @property
    def embeddings(self) -> Any:
        """float32 (n, dimension)."""

    @property
    def probabilities(self) -> Any:
        """float32 (n, 3): negative, neutral, positive."""

    @property
    def unknown_shares(self) -> list[float]:
        """Share of the tokens of each text that the model does not know."""

    @property
    def tokens(self) -> list[TokenLogits] | None:
        """Logits of each text's tokens; None if the model has none."""


Encode = Callable[[Sequence[str]], Encodings]
Languages = Sequence[tuple[str, bool]]
"""For each text its language, and whether the model understands it."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Embeddings (n, dimension), probabilities (n, 3), labels, confidences, whether sure (n).

    ``unknown_shares`` (n): share of unknown tokens. ``tokens`` (n): logits of the tokens of each
    text that the encoder read (``model_texts``); None if the model has none. ``sentiment_models``
    (n): the second model of a cascade where it gave the sentiment, else None.
    """

    embeddings: npt.NDArray[np.float16]
    probabilities: npt.NDArray[np.float32]
    sentiments: list[str]
    confidences: npt.NDArray[np.float32]
    sure: npt.NDArray[np.bool_]
    unknown_shares: list[float]
    tokens: list[TokenLogits] | None = None
    sentiment_models: list[str | None] | None = None


def ignore_progress() -> None:
    """Ignore progress."""


def encode_in_parts(
    encode: Encode, texts: Sequence[str], *, parallel: int, on_progress: Callable[[], None]
) -> Iterator[Encodings]:
    """Encode texts in parts of 512, in order.

    Args:
        encode: the model.
        texts: the texts.
        parallel: number of concurrent calls of ``encode``.
        on_progress: called after each part.
    """
    parts = [texts[at : at + _TEXTS_PER_CALL] for at in range(0, len(texts), _TEXTS_PER_CALL)]
    with ThreadPoolExecutor(parallel, thread_name_prefix="encode") as pool:
        for encodings in pool.map(encode, parts):
            yield encodings
            on_progress()


def score(
    encode: Encode,
    table: pa.Table,
    rule: Rule,
    *,
    parallel: int = 1,
    on_progress: Callable[[], None] = ignore_progress,
) -> Scored:
    """Encode the reviews of a clean shard, in their order.

    Args:
        encode: the model.
        table: at least one row of CLEAN_SCHEMA.
        rule: the model's rule for reviews.
        parallel: number of concurrent calls of ``encode``.
        on_progress: called after every 512 rows.
    """
    texts = model_texts(table)
    vectors, probability_parts = [], []
    unknown_shares: list[float] = []
    tokens: list[TokenLogits] = []
    for encodings in encode_in_parts(encode, texts, parallel=parallel, on_progress=on_progress):
        vectors.append(np.asarray(encodings.embeddings, np.float16))
        probability_parts.append(np.asarray(encodings.probabilities, np.float32))
        unknown_shares += encodings.unknown_shares
        tokens += encodings.tokens or []
    decided = decide(rule, np.concatenate(probability_parts))
    return Scored(
        np.concatenate(vectors),
        decided.probabilities,
        decided.sentiments,
        decided.confidences,
        decided.sure,
        unknown_shares,
        tokens or None,
    )


def ask_second(
    cascade: Cascade, table: pa.Table, scored: Scored, understood: Sequence[bool]
) -> Scored:
    """Replace the sentiments that the model is not sure of by those of a second model.

    Args:
        cascade: the second model.
        table: the clean shard.
        scored: its scores by the first model.
        understood: whether the first model understands a review.
    """
    labels = np.array([LABELS.index(Sentiment(name)) for name in scored.sentiments])
    first = Decided(scored.probabilities, labels, scored.confidences, scored.sure)
    texts = model_texts(table)
    decided, by_second = cascade.answer(texts, [Kind.REVIEW] * len(texts), first, understood)
    return replace(
        scored,
        probabilities=decided.probabilities,
        sentiments=decided.sentiments,
        confidences=decided.confidences,
        sure=decided.sure,
        sentiment_models=[cascade.model.version if each else None for each in by_second],
    )


def model_texts(table: pa.Table) -> list[str]:
    """What the encoder reads of each review of a clean shard."""
    titles, bodies = table["title"].to_pylist(), table["text"].to_pylist()
    return [model_text(title, text) for title, text in zip(titles, bodies, strict=True)]


def put_scored(
    store: ObjectStore,
    place: tuple[str, str, int],
    table: pa.Table,
    scored: Scored,
    languages: Languages,
) -> None:
    """Write the pair of shards that an index build reads.

    Args:
        store: the artefact bucket.
        place: model version, ingest id, part.
        table: the clean shard.
        scored: its scores, row by row.
        languages: the language of each row, and whether the model understands it.
    """
    store.put(layout.embedding_shard(*place), _npy(scored.embeddings))
    store.put(layout.analysis_shard(*place), to_parquet(_served(table, scored, languages)))


def _npy(array: npt.NDArray[np.float16]) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=False)
    return sink.getvalue()


def _served(table: pa.Table, scored: Scored, languages: Languages) -> pa.Table:
    """The served fields of each review, in the order of the embeddings."""
    scores = {
        "sentiment": pa.array(scored.sentiments, pa.string()),
        "confidence": pa.array(scored.confidences, pa.float32()),
        "language": pa.array([language for language, _ in languages], pa.string()),
        "understood": pa.array([understood for _, understood in languages], pa.bool_()),
    }
    columns = [scores[name] if name in scores else table[name] for name in SERVED_SCHEMA.names]
    return pa.Table.from_arrays(columns, schema=SERVED_SCHEMA)
