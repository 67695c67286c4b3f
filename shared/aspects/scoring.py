"""Scores the sentences in which reviews mention aspects."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from shared.aspects.mentions import AspectSentence, find_mentions
from shared.runtime.scoring import Encode, Scored, encode_in_parts, ignore_progress
from shared.schemas.sentiment import LABELS


class Mention(NamedTuple):
    """One aspect in a sentence of a review.

    ``row`` is the row of the review in its shard, ``text[start:end]`` the sentence; ``sentiment``
    and ``confidence`` are those of the sentence.
    """

    row: int
    aspect: str
    start: int
    end: int
    sentiment: str
    confidence: float


def score_mentions(
    encode: Encode,
    table: pa.Table,
    scored: Scored,
    *,
    understood: Sequence[bool],
    parallel: int = 1,
    on_progress: Callable[[], None] = ignore_progress,
) -> Iterator[Mention]:
    """Find the mentions of a clean shard, review by review, and score their sentences.

    A sentence that is the whole review gets the sentiment of the review. All others are encoded,
    equal sentences once.

    Args:
        encode: the model.
        table: the clean shard.
        scored: the model's results for the reviews, row by row.
        understood: whether the model understands each review; others have no mentions.
        parallel: number of concurrent calls of ``encode``.
        on_progress: called after every 512 sentences.
    """
    texts = table["text"].to_pylist()
    mentions = [
        find_mentions(text) if clear else [] for text, clear in zip(texts, understood, strict=True)
    ]
    to_encode = dict.fromkeys(
        text[sentence.start : sentence.end]
        for text, sentences in zip(texts, mentions, strict=True)
        for sentence in sentences
        if not _is_whole_text(sentence, text)
    )
    results = _sentiments(encode, list(to_encode), parallel, on_progress)
    sentiments = dict(zip(to_encode, results, strict=True))
    for row, (text, sentences) in enumerate(zip(texts, mentions, strict=True)):
        of_review = (scored.sentiments[row], float(scored.confidences[row]))
        for sentence in sentences:
            start, end, aspects = sentence
            whole = _is_whole_text(sentence, text)
            sentiment, confidence = of_review if whole else sentiments[text[start:end]]
            for aspect in aspects:
                yield Mention(row, aspect, start, end, sentiment, confidence)


def _is_whole_text(sentence: AspectSentence, text: str) -> bool:
    return sentence.end - sentence.start == len(text.strip())


def _sentiments(
    encode: Encode, sentences: list[str], parallel: int, on_progress: Callable[[], None]
) -> Iterator[tuple[str, float]]:
    for encodings in encode_in_parts(encode, sentences, parallel=parallel, on_progress=on_progress):
        probabilities = np.asarray(encodings.probabilities, np.float32)
        best = probabilities.argmax(axis=1).tolist()
        yield from zip(
            (LABELS[index].value for index in best),
            probabilities.max(axis=1).tolist(),
            strict=True,
        )
