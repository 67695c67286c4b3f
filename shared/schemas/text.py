"""Whether a text has anything to read, and how many combining marks it stacks."""

import re
from unicodedata import combining

MAX_MARKS_IN_A_RUN = 64
"""Combining marks in a row: languages stack up to four, decorated (Zalgo) text some dozens.

Normalization sorts each run in time quadratic in its length.
"""
MAX_UNCOUNTED_CHARACTERS = 10_000
"""A longer text may not consist mostly of combining marks."""
_MAX_MARKS_SHARE = 2 / 3
INVISIBLE = (
    # control characters and white space
    r"\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    # format characters
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\ufeff\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    # letters and symbols that show nothing, and selectors of variants
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    # characters without a meaning of their own: private use, and none at all
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff" + "\U000e0000-\U0010ffff"
)
"""Characters that show nothing, for a character class of a regular expression.

The class is the same for Python, Rust and JSON Schema, so that the contract of the API can state
it, and it does not depend on the version of Unicode.
"""
VISIBLE_TEXT = f"[^{INVISIBLE}]"
"""Pattern of a text with something to read."""
_VISIBLE = re.compile(f"[^{INVISIBLE}\\ud800-\\udfff]")  # a dump may have lone surrogates
_DECOMPOSED_TO_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")
"""Characters that are not combining marks, but that normalization turns into some."""


def has_visible_characters(text: str) -> bool:
    """Whether a text has a character that is neither white space nor invisible."""
    return _VISIBLE.search(text) is not None


def excess_of_marks(text: str) -> str:
    """What a text has too many of to be normalized in linear time; empty if it has not.

    Every run above the limit contains one of the characters at multiples of the limit, so others
    need no look.
    """
    if len(text) <= MAX_MARKS_IN_A_RUN or text.isascii():
        return ""
    sample = text[::MAX_MARKS_IN_A_RUN]
    if any(map(combining, sample)) or not _DECOMPOSED_TO_MARKS.isdisjoint(sample):
        for step, character in enumerate(sample):
            if _is_mark(character) and _is_in_long_run(text, step * MAX_MARKS_IN_A_RUN):
                return f"more than {MAX_MARKS_IN_A_RUN} combining marks in a row"
    if len(text) > MAX_UNCOUNTED_CHARACTERS:
        marks = sum(map(bool, map(combining, text))) + sum(map(text.count, _DECOMPOSED_TO_MARKS))
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
