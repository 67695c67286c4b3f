"""The sentiment of sentences: from the tokens of their review, or encoded on their own."""

import re
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from shared.aspects.scoring import score_mentions
from shared.runtime.scoring import score
from shared.runtime.spans import TokenLogits
from shared.schemas.decisions import Rule

SENTIMENTS = {"great": 2, "loose": 0}


@dataclass
class TokenEncoder:
    """Reads the words "great" and "loose"; a text is what its last such word is.

    ``read`` are the characters of a text that it reads; ``with_tokens``: whether it says what each
    word is. ``texts`` are those that it was called with.
    """

    with_tokens: bool = True
    read: int = 1000
    texts: list[str] = field(default_factory=list)

    def __call__(self, texts):
        self.texts += texts
        words = [list(re.finditer(r"\w+", text[: self.read])) for text in texts]
        logits = [
            np.asarray([self._logits(word.group()) for word in row], np.float32) for row in words
        ]
        tokens = [
            TokenLogits(values, np.asarray([word.span() for word in row]))
            for values, row in zip(logits, words, strict=True)
        ]
        last = [values[np.abs(values).any(1)][-1:] for values in logits]
        best = [row.argmax() if len(row) else 1 for row in last]
        self.embeddings = np.zeros((len(texts), 2), np.float32)
        self.probabilities = np.eye(3, dtype=np.float32)[best]
        self.unknown_shares = [0.0] * len(texts)
        self.tokens = tokens if self.with_tokens else None
        return self

    @staticmethod
    def _logits(word):
        return 9.0 * np.eye(3)[SENTIMENTS[word]] if word in SENTIMENTS else np.zeros(3)


def mentions(encoder, *reviews):
    titles, texts = zip(*reviews, strict=True)
    table = pa.table({"title": list(titles), "text": list(texts)})
    scored = score(encoder, table, Rule())
    encoder.texts.clear()
    found = score_mentions(encoder, table, scored, Rule(), understood=[True] * len(reviews))
    return [(m.row, m.aspect, texts[m.row][m.start : m.end], m.sentiment) for m in found]


@pytest.mark.parametrize("with_tokens", [True, False])
def test_each_half_of_a_review_has_its_own_sentiment(with_tokens):
    encoder = TokenEncoder(with_tokens=with_tokens)
    text = "The screen is great. The hinge is loose."
    found = mentions(encoder, ("Read this", text), (None, "The strap is great."))
    assert found == [
        (0, "screen", "The screen is great.", "positive"),
        (0, "hinge", "The hinge is loose.", "negative"),
        (1, "strap", "The strap is great.", "positive"),
    ]


def test_tokens_save_encoding_a_sentence_again():
    encoder = TokenEncoder()
    mentions(encoder, ("Title", "The screen is great. The hinge is loose."))
    assert encoder.texts == []


def test_only_a_sentence_that_was_cut_off_is_encoded():
    encoder = TokenEncoder(read=30)
    text = "The screen is great. We had it for a while. The hinge is loose."
    found = mentions(encoder, (None, text))
    sentiments = {aspect: sentiment for _, aspect, _, sentiment in found}
    assert (sentiments["screen"], sentiments["hinge"]) == ("positive", "negative")
    assert encoder.texts == ["The hinge is loose."]


@pytest.mark.parametrize(("with_tokens", "expected"), [(True, 9), (False, 6)])
def test_without_tokens_only_the_first_sentences_are_read(with_tokens, expected):
    text = " ".join(f"The {part} is loose." for part in ("hinge", "lid", "strap") * 3)
    found = mentions(TokenEncoder(with_tokens=with_tokens), (None, text))
    assert len(found) == expected
