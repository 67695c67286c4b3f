"""CSV and TSV with quoting, in any dialect of the csv module."""

import csv
from collections.abc import Callable, Iterator

from lambdas.collection.reading.formats.csv_lines import (
    CsvDialect,
    CsvLines,
    OverlongError,
)
from lambdas.collection.reading.formats.unquoted import (
    HEADER_AGAIN,
    cut_off,
    drop_trailing,
    too_long,
    wrong_width,
)
from lambdas.collection.reading.lines import line_blocks
from lambdas.collection.reading.place import Place
from lambdas.collection.reading.records import Bad, Record, StreamState
from shared.schemas.ingest import RejectReason

_NOT_IN_PROSE = "\t|"
"""Delimiters that do not occur in prose: a row that splits well without quoting is unquoted."""


STRAY_QUOTE = Bad(
    RejectReason.MALFORMED, "a quote is opened that is not closed before the next record"
)
_MAX_RAW_LINES = 64
_MIN_ROWS = 3


def parse_delimited(
    chunks: Iterator[bytes],
    state: StreamState,
    *,
    dialect: CsvDialect,
    width: int,
    limit: int,
    plausible: Callable[[list[str]], bool],
    headerless: bool = False,
    place: Place | None = None,
) -> Iterator[Record]:
    """Yield every record after the header, or every record if the file has none.

    A stray quote affects only its own line: if a record of several lines does not fit the header or
    its quotes do not match, its first line is rejected and reading continues with the second.
    ``plausible`` returns whether fields look like a review, to distinguish rows from text.
    ``place`` says where to begin, and follows.
    """
    place = place or Place()
    lines = CsvLines(line_blocks(chunks, limit, place), limit, place)
    rows = _Rows(lines, dialect, width, limit, plausible)
    header: object = () if headerless else place.header
    for record in rows.read(state):
        if header is None:
            header = record.values
            if header.__class__ is list:
                place.header = record.values
            else:
                place.is_border = False  # without a header, no later run can go on
        elif record.values == header:
            yield Record(record.line, HEADER_AGAIN, record.raw)
        else:
            yield record


class _TrailingReader:
    """A csv reader whose rows may end with a delimiter; other dumps do not pay for the check."""

    def __init__(self, reader: Iterator[list[str]], width: int) -> None:
        self._reader = reader
        self._width = width

    def __iter__(self) -> "_TrailingReader":
        return self

    def __next__(self) -> list[str]:
        fields = next(self._reader)
        drop_trailing(fields, self._width)
        return fields


class _Rows:
    """Turns lines into records and recovers from unmatched quotes."""

    def __init__(
        self,
        lines: CsvLines,
        dialect: CsvDialect,
        width: int,
        limit: int,
        plausible: Callable[[list[str]], bool],
    ) -> None:
        self._lines = lines
        self._dialect = dialect
        self._width = width
        self._trailing = dialect.trailing
        self._limit = limit
        self._plausible = plausible
        reader = dialect.reader(lines, strict=True)
        self._strict = _TrailingReader(reader, width) if dialect.trailing else reader

    def read(self, state: StreamState) -> Iterator[Record]:
        """Yield the records of all lines."""
        lines = self._lines
        while True:
            start = lines.number + 1
            try:
                fields = next(self._strict)
            except StopIteration:
                if lines.pending:
                    yield from self._ended_within(start, state)
                    continue
                return
            except csv.Error as error:
                if "unexpected end" in str(error):
                    yield from self._ended_within(start, state)
                else:
                    yield from self._read_leniently(start, state)
                continue
            except OverlongError:
                yield self._too_long(start)
                continue
            yield from self._one(start, fields, state)

    def _one(self, start: int, fields: list[str], state: StreamState) -> Iterator[Record]:
        """A record whose quotes match, possibly by accident."""
        lines = self._lines
        pending = lines.pending
        if not fields or not "".join(pending).strip():
            lines.done(len(pending))  # a blank line is not a record
        elif len(fields) == self._width and not self._swallowed(pending[1:-1]):
            ended = state.truncated and not pending[-1].endswith(("\n", "\r"))
            raw = lines.done(len(pending))
            yield Record(start, cut_off() if ended and lines.at_end() else fields, raw)
        elif len(pending) > 1 and not self._rows_within(pending[1:200]):
            raw = lines.done(len(pending))
            yield Record(start, wrong_width(len(fields), self._width), raw)
        else:
            yield self._first_line(start, state, len(fields))

    def _alone(self, line: str) -> list[str] | None:
        """The fields of a single line, or None if its quotes do not match."""
        try:
            rows = list(self._dialect.reader(iter([line]), strict=True))
        except csv.Error:
            return None
        if self._trailing and rows:
            drop_trailing(rows[0], self._width)
        return rows[0] if len(rows) == 1 else None

    def _looks_whole(self, line: str) -> bool:
        fields = self._alone(line)
        return fields is not None and len(fields) == self._width and self._plausible(fields)

    def _swallowed(self, within: list[str]) -> bool:
        """Whether all lines inside a record look like records themselves."""
        return bool(within) and all(self._looks_whole(line) for line in within[:50])

    def _mostly_rows(self, lines: list[str]) -> bool:
        """Whether most lines have as many fields as the header."""
        fields = [self._alone(line) for line in lines]
        fitting = sum(row is not None and len(row) == self._width for row in fields)
        return len(lines) >= _MIN_ROWS and fitting * 2 > len(lines)

    def _rows_within(self, lines: list[str]) -> bool:
        return any(map(self._looks_whole, lines)) or self._mostly_rows(lines)

    def _read_leniently(self, start: int, state: StreamState) -> Iterator[Record]:
        """Read a record with undoubled quotes inside a field by a lenient reader."""
        pending = self._lines.pending
        lenient = self._dialect.reader(iter(list(pending)), strict=False)
        fields: list[str] = next(lenient, [])
        if self._trailing:
            drop_trailing(fields, self._width)
        used = lenient.line_num
        if len(fields) == self._width and not any(map(self._looks_whole, pending[1:used])):
            yield Record(start, fields, self._lines.done(used))
        else:
            yield self._first_line(start, state, len(fields))

    def _first_line(self, start: int, state: StreamState, fields: int) -> Record:
        """Reject the first line that was read, or accept it unquoted; continue with the next."""
        lines = self._lines
        alone = len(lines.pending) == 1
        raw = lines.done(1)
        line = raw[0].rstrip("\r\n")
        if self._dialect.delimiter in _NOT_IN_PROSE and not alone:
            unquoted = line.split(self._dialect.delimiter)
            if self._trailing:
                drop_trailing(unquoted, self._width)
            if len(unquoted) == self._width:
                return Record(start, unquoted, raw)
        unended = not raw[0].endswith(("\n", "\r")) and lines.at_end()
        if unended and (state.truncated or fields < self._width):
            return Record(start, cut_off(), raw)
        if alone:
            return Record(start, wrong_width(fields, self._width), raw)
        return Record(start, STRAY_QUOTE, raw)

    def _ended_within(self, start: int, state: StreamState) -> Iterator[Record]:
        """The file ends inside quotes: a stray quote, or a truncated record."""
        pending = self._lines.pending
        following = pending[1:200]
        if self._rows_within(following):
            yield self._first_line(start, state, 0)
        else:
            yield Record(start, cut_off(), self._lines.done(len(pending)))

    def _too_long(self, start: int) -> Record:
        """A record exceeds the limit: a long text, or a stray quote that spans many rows."""
        lines = self._lines
        if lines.overlong is not None and not lines.pending:
            head, lines.overlong = lines.overlong.head, None
            lines.number += 1
            return Record(start, too_long(self._limit), head)
        if lines.overlong is not None:  # the open record meets a line that is too long by itself
            lines.put_back_overlong()
        if lines.must_end_soon or self._mostly_rows(lines.pending[1:200]):
            return Record(start, STRAY_QUOTE, lines.done(1))
        raw = lines.done(len(lines.pending))[:_MAX_RAW_LINES]
        self._skip_text()
        return Record(start, too_long(self._limit), raw)

    def _skip_text(self) -> None:
        """Continue after the quote that closes a long text, or at a line that is a whole row."""
        lines, quote = self._lines, self._dialect.quotechar or '"'
        while True:
            try:
                line = next(lines)
            except (StopIteration, OverlongError):
                lines.put_back_overlong()
                lines.done(len(lines.pending))
                return
            closing = line.count(quote) % 2 == 1
            if closing or self._looks_whole(line):
                lines.done(1 if closing else 0)
                return
            lines.done(1)
