"""Scores the sentences in which reviews mention aspects."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from shared.aspects.mentions import MAX_ENCODED_SENTENCES, AspectSentence, find_mentions
from shared.runtime.probabilities import softmax
from shared.runtime.scoring import (
    Encode,
    Scored,
    encode_in_parts,
    ignore_progress,
    model_texts,
)
from shared.runtime.spans import span_logits
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

    A sentence that is the whole review gets the sentiment of the review. If the model has logits of
    tokens, any other sentence gets the mean of its tokens. The rest is encoded, equal sentences
    once: all sentences if there are no such logits, and else those in the middle of a review that
    was too long to be read whole.

    Args:
        encode: the model.
        table: the clean shard.
        scored: the model's results for the reviews, row by row.
        understood: whether the model understands each review; others have no mentions.
        parallel: number of concurrent calls of ``encode``.
        on_progress: called after every 512 encoded sentences.
    """
    texts = table["text"].to_pylist()
    limit = MAX_ENCODED_SENTENCES if scored.tokens is None else None
    mentions = [
        find_mentions(text, limit) if clear else []
        for text, clear in zip(texts, understood, strict=True)
    ]
    read = _sentiments_of_spans(table, scored, mentions)
    to_encode = dict.fromkeys(
        texts[row][sentence.start : sentence.end]
        for row, sentences in enumerate(mentions)
        for sentence in sentences
        if (row, sentence.start) not in read
    )
    results = _encoded_sentiments(encode, list(to_encode), parallel, on_progress)
    encoded = dict(zip(to_encode, results, strict=True))
    for row, sentences in enumerate(mentions):
        for start, end, aspects in sentences:
            found = read.get((row, start)) or encoded[texts[row][start:end]]
            for aspect in aspects:
                yield Mention(row, aspect, start, end, *found)


def _sentiments_of_spans(
    table: pa.Table, scored: Scored, mentions: Sequence[Sequence[AspectSentence]]
) -> dict[tuple[int, int], tuple[str, float]]:
    """Sentiment and confidence of the sentences that were read with their review.

    The keys are the row and the first character of a sentence.
    """
    read: dict[tuple[int, int], tuple[str, float]] = {}
    bodies, whole_texts = table["text"].to_pylist(), model_texts(table)
    for row, sentences in enumerate(mentions):
        title = len(whole_texts[row]) - len(bodies[row])  # a title stands before the text
        tokens = None if scored.tokens is None else scored.tokens[row]
        spans = [(title + sentence.start, title + sentence.end) for sentence in sentences]
        means = [None] * len(spans) if tokens is None else span_logits(tokens, spans)
        for sentence, logits in zip(sentences, means, strict=True):
            if _is_whole_text(sentence, bodies[row]):
                found = (scored.sentiments[row], float(scored.confidences[row]))
            elif logits is not None:
                found = _best(softmax(logits))
            else:
                continue
            read[row, sentence.start] = found
    return read


def _best(probabilities: npt.NDArray[np.float32]) -> tuple[str, float]:
    """The most probable sentiment and its probability."""
    index = int(probabilities.argmax())
    return LABELS[index].value, float(probabilities[index])


def _is_whole_text(sentence: AspectSentence, text: str) -> bool:
    return sentence.end - sentence.start == len(text.strip())


def _encoded_sentiments(
    encode: Encode, sentences: list[str], parallel: int, on_progress: Callable[[], None]
) -> Iterator[tuple[str, float]]:
    for encodings in encode_in_parts(encode, sentences, parallel=parallel, on_progress=on_progress):
        yield from map(_best, np.asarray(encodings.probabilities, np.float32))
