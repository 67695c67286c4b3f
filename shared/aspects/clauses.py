"""The sentiment of each clause of a text, and whether clauses contradict each other."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from shared.aspects.sentences import split_sentences
from shared.runtime.decisions import decide
from shared.runtime.probabilities import softmax
from shared.runtime.spans import TokenLogits, span_logits
from shared.schemas.decisions import Rule
from shared.schemas.sentiment import Sentiment


class Clause(NamedTuple):
    """A sentence or clause, ``text[start:end]``, and what the model says of it."""

    start: int
    end: int
    sentiment: Sentiment
    confidence: float
    sure: bool


def read_clauses(
    texts: Sequence[str], tokens: Sequence[TokenLogits], rule: Rule
) -> list[list[Clause]]:
    """The clauses of each text that the model has read, from the pass over the whole text.

    Args:
        texts: what the encoder read.
        tokens: the logits of the tokens of each text.
        rule: the model's rule for sentences.
    """
    places, logits = [], []
    for row, (text, read) in enumerate(zip(texts, tokens, strict=True)):
        spans = split_sentences(text)
        for span, mean in zip(spans, span_logits(read, spans), strict=True):
            if mean is not None:
                places.append((row, span))
                logits.append(mean)
    clauses: list[list[Clause]] = [[] for _ in texts]
    if not logits:
        return clauses
    decided = decide(rule, softmax(np.stack(logits)))
    answers = zip(decided.sentiments, decided.confidences.tolist(), decided.sure, strict=True)
    for (row, span), (sentiment, confidence, sure) in zip(places, answers, strict=True):
        clauses[row].append(Clause(*span, Sentiment(sentiment), confidence, bool(sure)))
    return clauses


def contradict(clauses: Iterable[Clause]) -> bool:
    """Whether one clause is surely negative and another surely positive."""
    sentiments = {clause.sentiment for clause in clauses if clause.sure}
    return {Sentiment.NEGATIVE, Sentiment.POSITIVE} <= sentiments


def find_mixed(
    texts: Sequence[str], tokens: Sequence[TokenLogits] | None, rule: Rule
) -> list[bool | None]:
    """Whether the clauses of each text contradict each other.

    Args:
        texts: what the encoder read.
        tokens: the logits of the tokens of each text; None: the model has none.
        rule: the model's rule for sentences.

    Returns:
        None for each text if the model has no logits of tokens, or is never sure of a sentence.
    """
    if tokens is None or rule.sure_above is None:
        return [None] * len(texts)
    return [contradict(clauses) for clauses in read_clauses(texts, tokens, rule)]
