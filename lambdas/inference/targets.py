"""The aspects that a text mentions, each with the sentiment of its sentence."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from shared.aspects.mentions import find_phrases
from shared.aspects.sentences import Span, split_sentences
from shared.runtime.decisions import decide
from shared.runtime.encoder import Encoder, Floats
from shared.runtime.probabilities import softmax
from shared.runtime.spans import TokenLogits, span_logits
from shared.schemas.api import Probabilities, TextAnalysis
from shared.schemas.sentiment import LABELS, Sentiment
from shared.serving.answers import probabilities_of


class Read(NamedTuple):
    """What the model says of a text that it understands."""

    analysis: TextAnalysis
    tokens: TokenLogits | None
    """The logits of its tokens; None if the model has none."""


class Target(NamedTuple):
    """An aspect, ``text[start:end]``, and the sentiment of its sentence."""

    aspect: str
    start: int
    end: int
    sentiment: Sentiment
    probabilities: Probabilities


def find_targets(text: str, encoder: Encoder, read: Read) -> Iterator[Target]:
    """The mentions of aspects in a text, in order.

    A sentence has the mean of its tokens in the pass over the whole text; one that the pass did
    not reach is read alone. A single sentence has the sentiment of the text.

    Args:
        text: the text.
        encoder: the model.
        read: what it says of the whole text.
    """
    found = list(find_phrases(text))
    if not found:
        return
    analysis = read.analysis
    if len(split_sentences(text)) == 1 and analysis.sentiment and analysis.probabilities:
        judged = [(analysis.sentiment, analysis.probabilities)]
    else:
        decided = decide(
            encoder.decisions.sentence,
            _probabilities(text, [span for span, _ in found], encoder, read.tokens),
        )
        judged = [
            (LABELS[label], probabilities_of(row))
            for label, row in zip(decided.labels, decided.probabilities, strict=True)
        ]
    for (_, phrases), (sentiment, probabilities) in zip(found, judged, strict=True):
        for phrase in phrases:
            yield Target(*phrase, sentiment, probabilities)


def _probabilities(
    text: str, spans: Sequence[Span], encoder: Encoder, tokens: TokenLogits | None
) -> Floats:
    """Probabilities of each sentence (n, 3), before the rule for sentences."""
    nothing: list[Floats | None] = [None] * len(spans)
    means = nothing if tokens is None else span_logits(tokens, spans)
    probabilities = np.empty((len(spans), len(LABELS)), np.float32)
    unread = [row for row, mean in enumerate(means) if mean is None]
    alone = [text[spans[row].start : spans[row].end] for row in unread]
    probabilities[unread] = encoder.encode(alone).probabilities
    for row, mean in enumerate(means):
        if mean is not None:
            probabilities[row] = softmax(mean[None])[0]
    return probabilities
