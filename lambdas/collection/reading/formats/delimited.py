"""CSV and TSV with quoting, in any dialect of the csv module."""

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdas.collection.reading.encoding import decode_block
from lambdas.collection.reading.formats.unquoted import HEADER_AGAIN, cut_off, too_long, wrong_width
from lambdas.collection.reading.lines import Overlong, line_blocks
from lambdas.collection.reading.records import Bad, Record, StreamState
from shared.schemas.ingest import RejectReason

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_PROSE_FREE = "\t|"
"""Delimiters that do not occur in prose: a row that splits well without quoting was meant so."""


STRAY_QUOTE = Bad(
    RejectReason.MALFORMED, "a quote is opened that is not closed before the next record"
)
_RAW_LINES = 64


@dataclass(frozen=True)
class CsvDialect:
    """How fields are told apart; ``quotechar`` None is a file without quoting."""

    delimiter: str = ","
    quotechar: str | None = '"'
    doublequote: bool = True
    escapechar: str | None = None
    skipinitialspace: bool = False

    def reader(self, lines: Iterator[str], *, strict: bool) -> "CsvReader":
        """A csv reader of this dialect."""
        csv.field_size_limit(2**31 - 1)  # the bound is on records, in _Lines
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


class _OverlongError(Exception):
    """The record that is being read passed the limit."""


class _Lines:
    """Physical lines for the csv reader: remembers those of the record, and can take them back."""

    def __init__(self, blocks: Iterator[bytes | Overlong], limit: int) -> None:
        self._blocks = blocks
        self._limit = limit
        self._ready: deque[str | Overlong] = deque()
        self.pending: list[str] = []
        self.size = 0
        self.number = 0
        self.overlong: Overlong | None = None

    def __iter__(self) -> "_Lines":
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
            raise _OverlongError
        self.pending.append(line)
        self.size += len(line)
        if self.size > self._limit:
            raise _OverlongError
        return line

    def _fill(self) -> None:
        for block in self._blocks:
            if isinstance(block, Overlong):
                self._ready.append(block)
            else:
                self._ready.extend(io.StringIO(decode_block(block), newline=""))
            return

    def done(self, count: int) -> list[str]:
        """Take the first ``count`` lines as read and put the others back."""
        taken, rest = self.pending[:count], self.pending[count:]
        if rest:
            self._ready.extendleft(reversed(rest))
        self.pending, self.size = [], 0
        self.number += count
        return taken

    def put_back_overlong(self) -> None:
        """Read the line that was too long again, as the start of a record."""
        if self.overlong is not None:
            self._ready.appendleft(self.overlong)
            self.overlong = None

    def at_end(self) -> bool:
        """Whether no line is left."""
        if not self._ready:
            self._fill()
        return not self._ready


def parse_delimited(
    chunks: Iterator[bytes],
    state: StreamState,
    *,
    dialect: CsvDialect,
    width: int,
    limit: int,
    plausible: Callable[[list[str]], bool],
) -> Iterator[Record]:
    """Yield every record behind the header.

    A stray quote costs its own line only: where a record of several lines does not fit the header,
    or its quotes do not match up, its first line is refused and reading goes on with the second.
    ``plausible`` says whether fields look like a review, to tell swallowed rows from text.
    """
    lines = _Lines(line_blocks(chunks, limit), limit)
    rows = _Rows(lines, dialect, width, limit, plausible)
    header: object = None
    for record in rows.read(state):
        if header is None:
            header = record.values
        elif record.values == header:
            yield Record(record.line, HEADER_AGAIN, record.raw)
        else:
            yield record


class _Rows:
    """Turns lines into records and finds the way back where quotes went wrong."""

    def __init__(
        self,
        lines: _Lines,
        dialect: CsvDialect,
        width: int,
        limit: int,
        plausible: Callable[[list[str]], bool],
    ) -> None:
        self._lines = lines
        self._dialect = dialect
        self._width = width
        self._limit = limit
        self._plausible = plausible
        self._strict = dialect.reader(lines, strict=True)

    def read(self, state: StreamState) -> Iterator[Record]:
        """Yield the records of all lines."""
        lines, width = self._lines, self._width
        while True:
            start = lines.number + 1
            try:
                fields = next(self._strict)
            except StopIteration:
                if lines.pending:
                    yield from self._ended_within(start, state)
                    continue
                return
            except csv.Error:
                yield from self._sloppy(start, state)
                continue
            except _OverlongError:
                yield self._too_long(start)
                continue
            if len(fields) == width:
                if len(lines.pending) < 3 or not self._swallowed(lines.pending[1:-1]):
                    ended = state.truncated and not lines.pending[-1].endswith(("\n", "\r"))
                    raw = lines.done(len(lines.pending))
                    yield Record(start, cut_off() if ended and lines.at_end() else fields, raw)
                    continue
            elif not fields or (len(fields) == 1 and not fields[0].strip()):
                lines.done(len(lines.pending))  # a blank line is no record
                continue
            yield self._first_line(start, state, len(fields))

    def _alone(self, line: str) -> list[str] | None:
        """The fields of a line taken by itself, or None where its quotes do not match up."""
        try:
            rows = list(self._dialect.reader(iter([line]), strict=True))
        except csv.Error:
            return None
        return rows[0] if len(rows) == 1 else None

    def _looks_whole(self, line: str) -> bool:
        fields = self._alone(line)
        return fields is not None and len(fields) == self._width and self._plausible(fields)

    def _swallowed(self, within: list[str]) -> bool:
        """Whether the lines within a record all look like records themselves."""
        return bool(within) and all(self._looks_whole(line) for line in within[:50])

    def _sloppy(self, start: int, state: StreamState) -> Iterator[Record]:
        """Quotes within a field that are not doubled: what a lenient reader makes of the record."""
        pending = self._lines.pending
        lenient = self._dialect.reader(iter(list(pending)), strict=False)
        fields: list[str] = next(lenient, [])
        used = lenient.line_num
        if len(fields) == self._width and not any(map(self._looks_whole, pending[1:used])):
            yield Record(start, fields, self._lines.done(used))
        else:
            yield self._first_line(start, state, len(fields))

    def _first_line(self, start: int, state: StreamState, fields: int) -> Record:
        """Refuse the first line of what was read (or take it unquoted) and go on with the next."""
        lines = self._lines
        alone = len(lines.pending) == 1
        raw = lines.done(1)
        line = raw[0].rstrip("\r\n")
        if self._dialect.delimiter in _PROSE_FREE and not alone:
            unquoted = line.split(self._dialect.delimiter)
            if len(unquoted) == self._width:
                return Record(start, unquoted, raw)
        unended = not raw[0].endswith(("\n", "\r")) and lines.at_end()
        if unended and (state.truncated or fields < self._width):
            return Record(start, cut_off(), raw)
        if alone:
            return Record(start, wrong_width(fields, self._width), raw)
        return Record(start, STRAY_QUOTE, raw)

    def _ended_within(self, start: int, state: StreamState) -> Iterator[Record]:
        """The file ends within quotes: a stray quote, or a record that was cut off."""
        pending = self._lines.pending
        if any(map(self._looks_whole, pending[1:])):
            yield self._first_line(start, state, 0)
        else:
            yield Record(start, cut_off(), self._lines.done(len(pending)))

    def _too_long(self, start: int) -> Record:
        """A record passed the limit: a long text, or a stray quote that runs over many rows."""
        lines = self._lines
        if lines.overlong is not None and not lines.pending:
            head, lines.overlong = lines.overlong.head, None
            lines.number += 1
            return Record(start, too_long(self._limit), head)
        if lines.overlong is not None:  # the open record meets a line that is too long by itself
            lines.put_back_overlong()
        following = lines.pending[1:200]
        whole = sum(map(self._looks_whole, following))
        if whole * 2 > len(following):
            return Record(start, STRAY_QUOTE, lines.done(1))
        raw = lines.done(len(lines.pending))[:_RAW_LINES]
        self._skip_text()
        return Record(start, too_long(self._limit), raw)

    def _skip_text(self) -> None:
        """Go on behind the quote that closes a long text, or at a line that is a whole row."""
        lines, quote = self._lines, self._dialect.quotechar or '"'
        while True:
            try:
                line = next(lines)
            except (StopIteration, _OverlongError):
                lines.put_back_overlong()
                lines.done(len(lines.pending))
                return
            closing = line.count(quote) % 2 == 1
            if closing or self._looks_whole(line):
                lines.done(1 if closing else 0)
                return
            lines.done(1)
