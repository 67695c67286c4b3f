"""What a model says of the sentences in which reviews mention something."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from shared.aspects.mentions import Said, mentions
from shared.runtime.scoring import Encode, Scored
from shared.schemas.sentiment import LABELS

_CHUNK_SENTENCES = 512


class Mention(NamedTuple):
    """Place of the review in its shard; aspect; its sentence, text[start:end], and what it says."""

    owner: int
    aspect: str
    start: int
    end: int
    sentiment: str
    confidence: float


def _nothing() -> None:
    """Tell nobody."""


def judged_mentions(
    encode: Encode,
    table: pa.Table,
    scored: Scored,
    *,
    parallel: int = 1,
    beat: Callable[[], None] = _nothing,
) -> Iterator[Mention]:
    """The mentions of a clean shard, review by review.

    A sentence that is all of its review has what the model said of the review; each other one is
    encoded, and the same words once.

    Args:
        encode: the model.
        table: the clean shard.
        scored: what the model made of it, row by row.
        parallel: how many calls of ``encode`` run side by side.
        beat: called after each 512 sentences.
    """
    texts = table["text"].to_pylist()
    found = [mentions(text) for text in texts]
    wanted = dict.fromkeys(
        text[said.start : said.end]
        for text, sentences in zip(texts, found, strict=True)
        for said in sentences
        if not _is_all_of(said, text)
    )
    told = dict(zip(wanted, _sentiments(encode, list(wanted), parallel, beat), strict=True))
    for owner, (text, sentences) in enumerate(zip(texts, found, strict=True)):
        of_review = (scored.sentiments[owner], float(scored.confidences[owner]))
        for said in sentences:
            whole = _is_all_of(said, text)
            sentiment, confidence = of_review if whole else told[text[said.start : said.end]]
            for aspect in said.aspects:
                yield Mention(owner, aspect, said.start, said.end, sentiment, confidence)


def _is_all_of(said: Said, text: str) -> bool:
    return said.end - said.start == len(text.strip())


def _sentiments(
    encode: Encode, sentences: list[str], parallel: int, beat: Callable[[], None]
) -> Iterator[tuple[str, float]]:
    chunks = [
        sentences[at : at + _CHUNK_SENTENCES] for at in range(0, len(sentences), _CHUNK_SENTENCES)
    ]
    with ThreadPoolExecutor(parallel, thread_name_prefix="sentences") as pool:
        for encoded in pool.map(encode, chunks):
            probabilities = np.asarray(encoded.probabilities, np.float32)
            best = probabilities.argmax(axis=1).tolist()
            yield from zip(
                (LABELS[index].value for index in best),
                probabilities.max(axis=1).tolist(),
                strict=True,
            )
            beat()
