"""Whether a text has anything to read, and how many combining marks it stacks."""

from unicodedata import combining

MAX_MARKS_IN_A_RUN = 64
"""Combining marks in a row: languages stack up to four, decorated (Zalgo) text some dozens.

Normalization sorts each run in time quadratic in its length.
"""
MAX_UNCOUNTED_CHARACTERS = 10_000
"""A longer text may not consist mostly of combining marks."""
_MAX_MARKS_SHARE = 2 / 3
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that count as letters or symbols, but show nothing."""
_COMBINING_SELECTORS = frozenset(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))))
_DECOMPOSED_TO_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")
"""Characters that are not combining marks, but that normalization turns into some."""


def has_visible_characters(text: str) -> bool:
    """Whether a text has a character that is neither white space nor invisible."""
    return any(map(_is_visible, text))


def _is_visible(character: str) -> bool:
    return (
        character.isprintable()
        and not character.isspace()
        and character not in _INVISIBLE
        and character not in _COMBINING_SELECTORS
    )


def excess_of_marks(text: str) -> str:
    """What a text has too many of to be normalized in linear time; empty if it has not.

    Every run above the limit contains one of the characters at multiples of the limit, so others
    need no look.
    """
    if len(text) <= MAX_MARKS_IN_A_RUN or text.isascii():
        return ""
    for step, character in enumerate(text[::MAX_MARKS_IN_A_RUN]):
        if _is_mark(character) and _is_in_long_run(text, step * MAX_MARKS_IN_A_RUN):
            return f"more than {MAX_MARKS_IN_A_RUN} combining marks in a row"
    if len(text) > MAX_UNCOUNTED_CHARACTERS:
        marks = sum(map(_is_mark, text))
        if marks > len(text) * _MAX_MARKS_SHARE:
            return f"{marks} combining marks among {len(text)} characters"
    return ""


def without_marks(text: str) -> str:
    """The text without combining marks."""
    return "".join(character for character in text if not _is_mark(character))


def _is_in_long_run(text: str, place: int) -> bool:
    first = last = place
    while first and place - first <= MAX_MARKS_IN_A_RUN and _is_mark(text[first - 1]):
        first -= 1
    while last - first <= MAX_MARKS_IN_A_RUN and last < len(text) and _is_mark(text[last]):
        last += 1
    return last - first > MAX_MARKS_IN_A_RUN


def _is_mark(character: str) -> bool:
    return combining(character) > 0 or character in _DECOMPOSED_TO_MARKS
