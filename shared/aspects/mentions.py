"""What a review mentions: aspects, each with the sentence that speaks of it.

There is no list of aspects. A candidate is a run of nouns, at most three words, in lower case and
the singular; single words in it count too ("battery life" is also a word about the battery). What
is worth showing is decided by counting (shared/db/aspects/readings.py).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.aspects.sentences import sentences
from shared.aspects.tagging import Token, is_english, singular, tagged
from shared.aspects.words import EMPTY, FIRST, LAST

MAX_SENTENCES = 6
"""Of a review so many sentences with a mention are kept, the first ones: each costs a pass of the
model."""
MAX_MENTIONS = 32
"""Of a review."""
MAX_LETTERS = 60
"""Of an aspect."""
_MAX_WORDS = 3
_SHORTEST = 3
"""Letters of a word that may stand alone, such as "app" or "fit"."""


class Said(NamedTuple):
    """A sentence, ``text[start:end]``, and the aspects that it mentions, each once."""

    start: int
    end: int
    aspects: tuple[str, ...]


def mentions(text: str) -> list[Said]:
    """The sentences of a review that mention something, with what they mention."""
    found: list[Said] = []
    left = MAX_MENTIONS
    for start, end in sentences(text):
        tokens = tagged(text[start:end])
        aspects = tuple(dict.fromkeys(_aspects(tokens)))[:left] if is_english(tokens) else ()
        if aspects:
            found.append(Said(start, end, aspects))
            left -= len(aspects)
        if not left or len(found) == MAX_SENTENCES:
            break
    return found


def _aspects(tokens: Sequence[Token]) -> Iterator[str]:
    run: list[str] = []
    for word, kind in (*tokens, Token("", "$")):
        if kind == "n":
            run.append(word)
        elif run:
            yield from _of_run([singular(each) for each in run])
            run = []


def _of_run(words: list[str]) -> Iterator[str]:
    """The phrase that a run of nouns ends with, the pairs and the single words in it."""
    phrase = words[-_MAX_WORDS:]
    while phrase and phrase[-1] in LAST:
        phrase.pop()
    while phrase and phrase[0] in FIRST:
        phrase.pop(0)
    for length in range(len(phrase), 0, -1):
        for start in range(len(phrase) - length + 1):
            part = phrase[start : start + length]
            told = " ".join(part)
            if len(told) > MAX_LETTERS or (length == 1 and not _says_something(told)):
                continue
            yield told


def _says_something(word: str) -> bool:
    return word not in EMPTY and len(word) >= _SHORTEST
