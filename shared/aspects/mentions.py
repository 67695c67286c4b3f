"""Finds the aspects that a review mentions, each with its sentence.

There is no list of aspects. A candidate is a run of up to three nouns, in lower case and singular,
and each shorter part of it ("battery life" is also a mention of "battery"). Counting decides which
aspects are shown (shared/db/aspects).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.aspects.sentences import Span, split_sentences
from shared.aspects.tagging import Token, is_english, singular, tag, token_spans
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


class Phrase(NamedTuple):
    """The words of an aspect, ``text[start:end]``."""

    aspect: str
    start: int
    end: int


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


def find_phrases(text: str) -> Iterator[tuple[Span, list[Phrase]]]:
    """The sentences of a review that mention aspects, with the words of each whole phrase."""
    for sentence in split_sentences(text):
        words = text[sentence.start : sentence.end]
        tokens, spans = tag(words), token_spans(words)
        phrases = [
            Phrase(aspect, sentence.start + spans[first][0], sentence.start + spans[end - 1][1])
            for first, end in _phrase_places(tokens)
            if (aspect := " ".join(_singular(tokens[first:end]))) and _is_aspect(aspect)
        ]
        if phrases and is_english(tokens):
            yield sentence, phrases


def noun_phrases(tokens: Sequence[Token]) -> Iterator[list[str]]:
    """Yield the phrase at the end of each run of nouns: singular, and trimmed of empty words."""
    for first, end in _phrase_places(tokens):
        yield _singular(tokens[first:end])


def _phrase_places(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield the phrases as ``tokens[first:end]``; one without a meaning is empty."""
    length = 0
    for place, token in enumerate((*tokens, Token("", "$"))):
        if token.kind == "n":
            length += 1
        elif length:
            yield _trim(tokens, place - min(length, _MAX_ASPECT_WORDS), place)
            length = 0


def _trim(tokens: Sequence[Token], first: int, end: int) -> tuple[int, int]:
    while first < end and singular(tokens[end - 1].word) in NOT_LAST:
        end -= 1
    while first < end and singular(tokens[first].word) in NOT_FIRST:
        first += 1
    return first, end


def _singular(tokens: Sequence[Token]) -> list[str]:
    return [singular(token.word) for token in tokens]


def _aspects(tokens: Sequence[Token]) -> Iterator[str]:
    """All parts of the noun phrases, longest first."""
    for phrase in noun_phrases(tokens):
        for length in range(len(phrase), 0, -1):
            for start in range(len(phrase) - length + 1):
                aspect = " ".join(phrase[start : start + length])
                if _is_aspect(aspect):
                    yield aspect


def _is_aspect(phrase: str) -> bool:
    has_meaning = phrase not in EMPTY_NOUNS and len(phrase) >= _MIN_WORD_CHARACTERS
    return len(phrase) <= MAX_ASPECT_CHARACTERS and (" " in phrase or has_meaning)
