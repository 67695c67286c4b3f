"""Finds the aspects that a review mentions, each with its sentence.

There is no list of aspects. A candidate is a run of up to three nouns, in lower case and singular,
and each shorter part of it ("battery life" is also a mention of "battery"). Counting decides which
aspects are shown (shared/db/aspects).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.aspects.sentences import split_sentences
from shared.aspects.tagging import Token, is_english, singular, tag
from shared.aspects.words import EMPTY_NOUNS, NOT_FIRST, NOT_LAST

MAX_ENCODED_SENTENCES = 6
"""Only the first sentences with a mention are kept where each must be encoded."""
MAX_MENTIONS_PER_REVIEW = 32
MAX_ASPECT_CHARACTERS = 60
_MAX_ASPECT_WORDS = 3
_MIN_WORD_CHARACTERS = 3
"""Of an aspect of one word, such as "app" or "fit"."""


class AspectSentence(NamedTuple):
    """A sentence, ``text[start:end]``, and the distinct aspects that it mentions."""

    start: int
    end: int
    aspects: tuple[str, ...]


def find_mentions(text: str, max_sentences: int | None = None) -> list[AspectSentence]:
    """Find the sentences of a review that mention aspects, all of them or the first."""
    sentences: list[AspectSentence] = []
    remaining = MAX_MENTIONS_PER_REVIEW
    for start, end in split_sentences(text):
        tokens = tag(text[start:end])
        aspects = tuple(dict.fromkeys(_aspects(tokens)))[:remaining] if is_english(tokens) else ()
        if aspects:
            sentences.append(AspectSentence(start, end, aspects))
            remaining -= len(aspects)
        if not remaining or len(sentences) == max_sentences:
            break
    return sentences


def noun_phrases(tokens: Sequence[Token]) -> Iterator[list[str]]:
    """Yield the phrase at the end of each run of nouns: singular, and trimmed of empty words."""
    run: list[str] = []
    for word, kind in (*tokens, Token("", "$")):
        if kind == "n":
            run.append(word)
        elif run:
            yield _trim([singular(noun) for noun in run])
            run = []


def _trim(nouns: list[str]) -> list[str]:
    phrase = nouns[-_MAX_ASPECT_WORDS:]
    while phrase and phrase[-1] in NOT_LAST:
        phrase.pop()
    while phrase and phrase[0] in NOT_FIRST:
        phrase.pop(0)
    return phrase


def _aspects(tokens: Sequence[Token]) -> Iterator[str]:
    """All parts of the noun phrases, longest first."""
    for phrase in noun_phrases(tokens):
        for length in range(len(phrase), 0, -1):
            for start in range(len(phrase) - length + 1):
                aspect = " ".join(phrase[start : start + length])
                if len(aspect) <= MAX_ASPECT_CHARACTERS and (length > 1 or _has_meaning(aspect)):
                    yield aspect


def _has_meaning(word: str) -> bool:
    return word not in EMPTY_NOUNS and len(word) >= _MIN_WORD_CHARACTERS
