"""Splits a text into sentences and contrasting clauses."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.runtime.addresses import blank_addresses
from shared.schemas.decisions import Kind

MAX_TEXT_CHARACTERS = 20_000
"""The rest of a longer text is ignored."""
MAX_SENTENCES = 60
MAX_SENTENCE_CHARACTERS = 400
"""A longer sentence (in a text without full stops) is split at a space."""

_END = re.compile(
    r"(?<!\bvs)(?<!\betc)[.!?\u2026]+[\"')\]\u201d\u2019]*(?=\s|$)"  # a full stop, then quotes
    r"|(?<=[a-z]{2})[.!?]+(?=[A-Z])"  # a full stop with no space after it
    r"|\n+|;(?=\s)|(?<=\s)[-\u2013\u2014\u2022*]+(?=\s)"  # a line break, semicolon, dash or bullet
)
_CONTRAST = re.compile(r"(?<=\s)(?:but|however|although|though|yet)(?=\s)", re.IGNORECASE)
_NO_CONTRAST = re.compile(
    r"\b(?:nothing|anything|everything|all|none|not|else|even|as)$", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_MIN_CLAUSE_WORDS = 3
"""On each side of a contrast: a shorter part is not a clause."""
_CONTEXT_CHARACTERS = 60
"""Characters examined on each side of a contrast."""


def kind_of(text: str) -> Kind:
    """The kind of a text that comes without stars: one sentence, or a review."""
    return Kind.REVIEW if len(split_sentences(blank_addresses(text))) > 1 else Kind.SENTENCE


class Span(NamedTuple):
    """``text[start:end]``, without leading and trailing white space."""

    start: int
    end: int


def split_sentences(text: str) -> list[Span]:
    """Split a text into at most MAX_SENTENCES sentences and clauses, in order."""
    spans: list[Span] = []
    start, limit = 0, min(len(text), MAX_TEXT_CHARACTERS)
    for end in _ends(text, limit):
        for clause in _clauses(text, start, end):
            spans.extend(_split_long(text, clause))
        if len(spans) >= MAX_SENTENCES:
            break
        start = end
    return spans[:MAX_SENTENCES]


def _ends(text: str, limit: int) -> Iterator[int]:
    for match in _END.finditer(text, 0, limit):
        yield match.end()
    yield limit


def _clauses(text: str, start: int, end: int) -> Iterator[Span]:
    """Split at contrasts such as "The sound is good but the hinge broke"."""
    for contrast in _CONTRAST.finditer(text, start, end):
        at = contrast.start()
        # examining the whole text at each contrast would take quadratic time
        before = text[max(start, at - _CONTEXT_CHARACTERS) : at].rstrip()
        after = text[contrast.end() : min(end, at + _CONTEXT_CHARACTERS)]
        if (
            _NO_CONTRAST.search(before)
            or min(_count_words(before), _count_words(after)) < _MIN_CLAUSE_WORDS
        ):
            continue
        first = _strip(text, start, at)
        yield Span(first.start, first.end - text[first.start : first.end].endswith(","))
        start = at
    yield _strip(text, start, end)


def _count_words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _split_long(text: str, span: Span) -> Iterator[Span]:
    start, end = span
    while end - start > MAX_SENTENCE_CHARACTERS:
        space = text.rfind(
            " ", start + MAX_SENTENCE_CHARACTERS // 2, start + MAX_SENTENCE_CHARACTERS
        )
        middle = space if space > 0 else start + MAX_SENTENCE_CHARACTERS
        yield _strip(text, start, middle)
        start = middle
    if (last := _strip(text, start, end)).end > last.start:
        yield last


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)
