"""Scores the sentences in which reviews mention aspects."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from shared.aspects.mentions import MAX_ENCODED_SENTENCES, AspectSentence, find_mentions
from shared.runtime.decisions import decide
from shared.runtime.probabilities import softmax
from shared.runtime.scoring import (
    Encode,
    Scored,
    encode_in_parts,
    ignore_progress,
    model_texts,
)
from shared.runtime.spans import span_logits
from shared.schemas.decisions import Rule


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
    rule: Rule,
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
        rule: the model's rule for sentences.
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
    read = _sentiments_of_spans(table, scored, mentions, rule)
    to_encode = dict.fromkeys(
        texts[row][sentence.start : sentence.end]
        for row, sentences in enumerate(mentions)
        for sentence in sentences
        if (row, sentence.start) not in read
    )
    encodings = encode_in_parts(encode, list(to_encode), parallel=parallel, on_progress=on_progress)
    results = (found for each in encodings for found in _decided(rule, each.probabilities))
    encoded = dict(zip(to_encode, results, strict=True))
    for row, sentences in enumerate(mentions):
        for start, end, aspects in sentences:
            found = read.get((row, start)) or encoded[texts[row][start:end]]
            for aspect in aspects:
                yield Mention(row, aspect, start, end, *found)


def _sentiments_of_spans(
    table: pa.Table, scored: Scored, mentions: Sequence[Sequence[AspectSentence]], rule: Rule
) -> dict[tuple[int, int], tuple[str, float]]:
    """Sentiment and confidence of the sentences that were read with their review.

    The keys are the row and the first character of a sentence.
    """
    read: dict[tuple[int, int], tuple[str, float]] = {}
    places, logits = [], []
    bodies, whole_texts = table["text"].to_pylist(), model_texts(table)
    for row, sentences in enumerate(mentions):
        title = len(whole_texts[row]) - len(bodies[row])  # a title stands before the text
        tokens = None if scored.tokens is None else scored.tokens[row]
        spans = [(title + sentence.start, title + sentence.end) for sentence in sentences]
        means = [None] * len(spans) if tokens is None else span_logits(tokens, spans)
        for sentence, mean in zip(sentences, means, strict=True):
            place = row, sentence.start
            if _is_whole_text(sentence, bodies[row]):
                read[place] = scored.sentiments[row], float(scored.confidences[row])
            elif mean is not None:
                places.append(place)
                logits.append(mean)
    if logits:
        read |= dict(zip(places, _decided(rule, softmax(np.stack(logits))), strict=True))
    return read


def _decided(rule: Rule, probabilities: Any) -> Iterator[tuple[str, float]]:
    """The sentiments of sentences, with their probabilities."""
    decided = decide(rule, probabilities)
    return zip(decided.sentiments, decided.confidences.tolist(), strict=True)


def _is_whole_text(sentence: AspectSentence, text: str) -> bool:
    return sentence.end - sentence.start == len(text.strip())
