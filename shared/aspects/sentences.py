"""Cuts a text into pieces that each say one thing: sentences, clauses set against each other."""

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_CHARACTERS = 20_000
"""Of a longer text only the beginning is read."""
MAX_SENTENCES = 60
LONGEST = 400
"""Characters of a piece; a longer one is cut at a space. People who write without full stops do."""

_END = re.compile(
    r"(?<!\bvs)(?<!\betc)[.!?\u2026]+[\"')\]\u201d\u2019]*(?=\s|$)"  # a full stop, quotes behind it
    r"|(?<=[a-z]{2})[.!?]+(?=[A-Z])"  # a full stop whose line break got lost
    r"|\n+|;(?=\s)|(?<=\s)[-\u2013\u2014\u2022*]+(?=\s)"  # a line, a semicolon, a dash or bullet
)
_TURN = re.compile(r"(?<=\s)(?:but|however|although|though|yet)(?=\s)", re.IGNORECASE)
_NO_TURN = re.compile(
    r"\b(?:nothing|anything|everything|all|none|not|else|even|as)$", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_FEWEST_WORDS = 3
"""On each side of a turn: less is no statement of its own."""
_NEAR = 60
"""Characters on each side that are looked at."""


class Span(NamedTuple):
    """``text[start:end]``, without white space at its ends."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """The pieces of a text in their order, at most MAX_SENTENCES."""
    found: list[Span] = []
    start, limit = 0, min(len(text), MAX_CHARACTERS)
    for end in _ends(text, limit):
        for piece in _clauses(text, start, end):
            found.extend(_shortened(text, piece))
        if len(found) >= MAX_SENTENCES:
            break
        start = end
    return found[:MAX_SENTENCES]


def _ends(text: str, limit: int) -> Iterator[int]:
    for match in _END.finditer(text, 0, limit):
        yield match.end()
    yield limit


def _clauses(text: str, start: int, end: int) -> Iterator[Span]:
    """Two things are said by "The sound is good but the hinge broke"."""
    for turn in _TURN.finditer(text, start, end):
        at = turn.start()
        # a look at what is near: all of it, at each turn, would take a square of the length
        before = text[max(start, at - _NEAR) : at].rstrip()
        after = text[turn.end() : min(end, at + _NEAR)]
        if _NO_TURN.search(before) or min(_words(before), _words(after)) < _FEWEST_WORDS:
            continue
        first = _stripped(text, start, at)
        yield Span(first.start, first.end - text[first.start : first.end].endswith(","))
        start = at
    yield _stripped(text, start, end)


def _words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _shortened(text: str, piece: Span) -> Iterator[Span]:
    start, end = piece
    while end - start > LONGEST:
        space = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
        middle = space if space > 0 else start + LONGEST
        yield _stripped(text, start, middle)
        start = middle
    if (last := _stripped(text, start, end)).end > last.start:
        yield last


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
