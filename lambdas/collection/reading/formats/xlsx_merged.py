"""Merged cells of an Excel sheet: the rows below the first one have its value too."""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from lambdas.collection.reading.records import StreamState

_MAX_RANGES = 100_000
_CHUNK_BYTES = 256 * 2**10
_NAME = b"mergeCell"
_RANGE = re.compile(
    rb"mergeCell\s[^<>]{0,80}?\bref\s*=\s*[\"']"
    rb"([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})[\"']"
)
_LONGEST_RANGE = 200
"""Bytes of an element at the end of a chunk that may go on in the next one."""


class _Range(NamedTuple):
    first: int
    last: int
    column: int


class FillDown:
    """Gives the value of a merged range to all of its rows that are written.

    Only the first column of a range counts, and only ranges that begin below the header. The list
    of ranges follows the rows, so the sheet is searched before its first row is read.
    """

    def __init__(self, sheet: Any, columns: Collection[int], header: int) -> None:
        self._sheet = sheet
        self._columns = frozenset(columns)
        self.header = header
        self._coming: list[_Range] = []
        self._values: dict[int, tuple[int, Any]] = {}
        """The last row and the value of the latest range of a column."""

    def find(self, state: StreamState, damage: tuple[type[Exception], ...]) -> None:
        """Find the ranges; where the sheet is damaged, those before the damage."""
        with suppress(*damage):
            for each in self._ranges():
                self._coming.append(each)
                if len(self._coming) > _MAX_RANGES:
                    self._coming.clear()
                    state.warnings.append(
                        f"the sheet has more than {_MAX_RANGES} ranges of merged cells; only the "
                        "first row of each has its value"
                    )
                    return
        self._coming.sort(reverse=True)

    def fill(self, number: int, values: list[Any]) -> None:
        """Fill the empty cells of a row; rows come in order."""
        while self._coming and self._coming[-1].first <= number:
            first, last, column = self._coming.pop()
            if first == number:
                self._values[column] = (last, values[column])
        for column, (last, value) in self._values.items():
            if number <= last and values[column] is None:
                values[column] = value

    def _ranges(self) -> Iterator[_Range]:
        for left, top, bottom in self._written():
            first, last, column = int(top), int(bottom), _place(left)
            if self.header < first < last and column in self._columns:
                yield _Range(first, last, column)

    def _written(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        carry = b""
        with self._sheet._get_source() as source:  # noqa: SLF001 - openpyxl reads only the rows
            while chunk := source.read(_CHUNK_BYTES):
                text = carry + chunk
                end = 0
                if _NAME in text:
                    for match in _RANGE.finditer(text):
                        end = match.end()
                        yield match[1], match[2], match[3]
                carry = text[max(end, len(text) - _LONGEST_RANGE) :]


def _place(letters: bytes) -> int:
    """The place of a column: A is 0, AA is 26."""
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place - 1
