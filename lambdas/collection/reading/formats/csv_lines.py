"""Dialects of the csv module, and a line source for a csv reader that can step back."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdas.collection.reading.encoding import decode_block
from lambdas.collection.reading.lines import Overlong
from lambdas.collection.reading.place import Place

if TYPE_CHECKING:
    from _csv import Reader as CsvReader


_REREAD_CHARACTERS = 2**20
"""Characters that may be read again because of stray quotes, in a dump of any size."""
_REREADS_PER_CHARACTER = 2
"""Additional characters that may be read again for each character of a finished record."""
_MIN_LONG_RECORD = 2048


@dataclass(frozen=True)
class CsvDialect:
    """How fields are separated and quoted; ``quotechar`` None: a file without quoting.

    ``trailing``: every row may end with one delimiter more than the header.
    """

    delimiter: str = ","
    quotechar: str | None = '"'
    doublequote: bool = True
    escapechar: str | None = None
    skipinitialspace: bool = False
    trailing: bool = False

    def reader(self, lines: Iterator[str], *, strict: bool) -> "CsvReader":
        """A csv reader of this dialect."""
        csv.field_size_limit(2**31 - 1)  # the limit is on records, in CsvLines
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quotechar or '"',
            quoting=csv.QUOTE_MINIMAL if self.quotechar else csv.QUOTE_NONE,
            doublequote=self.doublequote,
            escapechar=self.escapechar,
            skipinitialspace=self.skipinitialspace,
            strict=strict,
        )


class OverlongError(Exception):
    """The record that is being read exceeds the limit."""


class CsvLines:
    """Physical lines for the csv reader; it stores those of the record and can step back to them.

    If far more lines are read again than are finished, a record of several lines ends early:
    otherwise a dump in which each quote seems to run to the end would take quadratic time.
    """

    def __init__(
        self, blocks: Iterator[bytes | Overlong], limit: int, place: Place | None = None
    ) -> None:
        self._blocks = blocks
        self._limit = limit
        self._ready: deque[str | Overlong] = deque()
        self._place = place or Place()
        self._place.finished = self._finished
        mark = self._place.mark
        self._credit = _REREAD_CHARACTERS if mark.credit is None else mark.credit
        self.pending: list[str] = []
        self.size = 0
        self.number = mark.lines + mark.skip
        self._read = mark.lines
        self.overlong: Overlong | None = None

    def _finished(self) -> tuple[int, int]:
        return self.number, self._credit

    def __iter__(self) -> "CsvLines":
        return self

    def __next__(self) -> str:
        ready = self._ready
        if not ready:
            self._fill()
            if not ready:
                raise StopIteration
        line = ready.popleft()
        if isinstance(line, Overlong):
            self.overlong = line
            raise OverlongError
        self.pending.append(line)
        self.size += len(line)
        if self.size > self._limit or (self.must_end_soon and self.size > self._most()):
            raise OverlongError
        return line

    def _most(self) -> int:
        """The size of a record that must end soon: one line if even short records cost too much."""
        return _MIN_LONG_RECORD if self._credit > -_REREAD_CHARACTERS else 0

    @property
    def must_end_soon(self) -> bool:
        """Whether this record of several lines must end soon."""
        return self._credit < 0 and len(self.pending) > 1

    def _fill(self) -> None:
        for block in self._blocks:
            lines: list[str | Overlong] = [block] if isinstance(block, Overlong) else []
            if not isinstance(block, Overlong):
                lines += io.StringIO(decode_block(block), newline="")
            skip = self._place.begin(self._read, len(lines))
            self._read += len(lines)
            self._ready.extend(lines[skip:] if skip else lines)
            if self._ready:
                return

    def done(self, count: int) -> list[str]:
        """Finish the first ``count`` lines and put the others back."""
        finished, rest = self.pending[:count], self.pending[count:]
        self._credit += _REREADS_PER_CHARACTER * self.size
        if rest:
            self._ready.extendleft(reversed(rest))
            self._credit -= (_REREADS_PER_CHARACTER + 1) * sum(map(len, rest))
        self.pending, self.size = [], 0
        self.number += count
        return finished

    def put_back_overlong(self) -> None:
        """Put back the line that was too long, as the start of a record."""
        if self.overlong is not None:
            self._ready.appendleft(self.overlong)
            self.overlong = None

    def at_end(self) -> bool:
        """Whether no line is left."""
        if not self._ready:
            self._fill()
        return not self._ready
