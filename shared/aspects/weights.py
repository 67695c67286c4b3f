"""Which words moved the sentiment of their clause, from the logits of the tokens."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.aspects.sentences import split_sentences
from shared.runtime.spans import TokenLogits

_WORD = re.compile(r"\S+")


class WordWeight(NamedTuple):
    """A word, ``text[start:end]``, and its weight.

    ``weight``: how much the log odds of the label fall if the word is left out of the mean of its
    clause; negative if the word speaks against the label.
    """

    start: int
    end: int
    weight: float


def weigh_words(text: str, tokens: TokenLogits, label: int) -> Iterator[WordWeight]:
    """The words that the model has read, in order.

    Args:
        text: what the encoder read.
        tokens: the logits of its tokens.
        label: index of the sentiment of the text in LABELS.
    """
    starts, ends = tokens.characters.T
    is_word = starts < ends
    for clause in split_sentences(text):
        inside = is_word & (starts < clause.end) & (ends > clause.start)
        count = int(inside.sum())
        if not count:
            continue
        total = tokens.logits[inside].sum(0, dtype=np.float64)
        odds = _log_odds(total / count, label)
        for word in _WORD.finditer(text, clause.start, clause.end):
            own = inside & (starts < word.end()) & (ends > word.start())
            size = int(own.sum())
            if size:
                rest = total - tokens.logits[own].sum(0, dtype=np.float64)
                without = _log_odds(rest / max(1, count - size), label)
                yield WordWeight(*word.span(), odds - without)


def _log_odds(logits: npt.NDArray[np.float64], label: int) -> float:
    """Log of the label's probability over that of all others."""
    others = np.delete(logits, label)
    return float(logits[label] - np.logaddexp.reduce(others))
