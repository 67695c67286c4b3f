"""JSON records below a path: ``reviews[*]``, ``feed.entry[*]``, ``[*].reviews[*]``."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson

from lambdas.collection.reading.formats.json_lines import objects_in
from lambdas.collection.reading.formats.json_stream import object_end
from lambdas.collection.reading.formats.unquoted import cut_off, too_long
from lambdas.collection.reading.records import RAW_LIMIT, Bad, Record, StreamState
from shared.errors import IngestError
from shared.schemas.ingest import RejectReason

ITEM = "[*]"
"""Step of a path into the items of a list."""
ANY_KEY = "*"
"""Step of a path into the values of an object."""
Path = tuple[str, ...]
_PATH = re.compile(r"\$?\.?((?:[^.\[\]]+|\[\*\])(?:\.[^.\[\]]+|\[\*\])*)")
_STEP = re.compile(r"\[\*\]|[^.\[\]]+")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)
_STRING_END = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_MAX_NUMBER_BYTES = 1000
_NOT_JSON = Bad(RejectReason.MALFORMED, "not a record with the columns of the others")


def parse_path(text: str) -> Path:
    """Split a path such as ``data.items[*]``; a path that ends at a list means its items.

    Raises:
        IngestError: mapping_invalid.
    """
    match = _PATH.fullmatch(text.strip())
    if match is None:
        raise IngestError(
            "mapping_invalid",
            f"records={text[:80]!r} must be dotted keys and [*], such as data.items[*]",
        )
    steps = tuple(_STEP.findall(match[1]))
    return steps if steps[-1] in (ITEM, ANY_KEY) else (*steps, ITEM)


def path_text(path: Path) -> str:
    """The path as a mapping states it."""
    return "".join(step if step == ITEM else f".{step}" for step in path).removeprefix(".")


def parse_json_path(
    chunks: Iterator[bytes],
    state: StreamState,
    *,
    limit: int,
    path: Path,
    convert: Callable[[Any], dict[str, Any] | None],
    enclosing: Mapping[tuple[int, str], str] | None = None,
) -> Iterator[Record]:
    """Yield one record per object or list at ``path``, in bounded memory.

    ``convert`` makes the fields of a record; None if it cannot. ``enclosing`` are places of values
    around the records, with the column that they become.
    """
    walker = _Walker(limit, path, convert, enclosing or {})
    for chunk in chunks:
        walker.buffer += chunk
        yield from walker.take(final=False)
    yield from walker.take(final=True)
    if walker.is_open:
        state.warnings.append("the JSON document is not closed: the file is probably truncated")


class _Walker:
    """The unread part of the stream, and the keys and lists that enclose it."""

    def __init__(
        self,
        limit: int,
        path: Path,
        convert: Callable[[Any], dict[str, Any] | None],
        enclosing: Mapping[tuple[int, str], str],
    ) -> None:
        self.buffer = b""
        self._limit = limit
        self._path = path
        self._convert = convert
        self._line = 1
        self._steps: list[str] = []
        self._expects_key: list[bool] = []
        self._skips_string = False
        self._enough = 0
        self._enclosing = enclosing
        self._column = ""
        """The column of the next value, if it is wanted."""
        self._values: dict[str, tuple[int, Any]] = {}
        """Values around the records by column, with the depth of their objects."""

    @property
    def is_open(self) -> bool:
        """Whether an object or list is not closed."""
        return bool(self._steps)

    def take(self, *, final: bool) -> Iterator[Record]:
        """Yield the complete records and keep the rest.

        An incomplete record is read again when the buffer has doubled, so in linear time.
        """
        if len(self.buffer) < self._enough and not final:
            return
        position = self._skip_string() if self._skips_string else 0
        if position < 0:
            return
        while token := _TOKEN.search(self.buffer, position):
            start, end, mark = token.start(), token.end(), self.buffer[token.start()]
            if mark in b"{[" and self._is_record():
                end = object_end(self.buffer, start)
                if end < 0 and not final and len(self.buffer) - start <= self._limit:
                    position = self._passed(position, start)
                    break
                position = self._passed(position, start)
                if end < 0:
                    yield self._unclosed(start, final=final)
                    end = len(self.buffer) if final else start + 1
                    self._step(mark)  # the rest of a long record is skipped as a part of it
                else:
                    yield self._record(self.buffer[start:end])
            elif mark == b'"'[0] and self._is_cut(start, end):
                if not final and end - start <= self._limit:
                    position = self._passed(position, start)
                    break
                self._skips_string, self._column = True, ""
                self._name(start, end)
            else:
                self._read(mark, position, start, end)
            position = self._passed(position, end)
        else:
            position = self._passed(position, self._end_of_rest(position))
        self.buffer = self.buffer[position:]
        self._enough = min(2 * len(self.buffer), self._limit + 1)

    def _read(self, mark: int, position: int, start: int, end: int) -> None:
        """Follow a string or a mark; what is between ``position`` and a mark may be a number."""
        is_string = mark == b'"'[0]
        if self._column:
            between = self.buffer[position:start].lstrip(b": \t\r\n")
            self._keep(self.buffer[start:end] if is_string else between)
        if is_string:
            self._name(start, end)
        else:
            self._step(mark)

    def _end_of_rest(self, position: int) -> int:
        """Where the buffer is not needed any more; a wanted number may be cut."""
        is_number = self._column and len(self.buffer) - position <= _MAX_NUMBER_BYTES
        return position if is_number else len(self.buffer)

    def _is_record(self) -> bool:
        steps, path = self._steps, self._path
        return len(steps) == len(path) and all(
            want in (have, ANY_KEY) for have, want in zip(steps, path, strict=True)
        )

    def _is_cut(self, start: int, end: int) -> bool:
        """Whether the buffer ends within the string."""
        if end < len(self.buffer):
            return False
        return _STRING_END.fullmatch(self.buffer, start + 1, end) is None

    def _skip_string(self) -> int:
        """The end of a string that is too long, or -1; the buffer then keeps a cut escape."""
        rest = _STRING_END.match(self.buffer)
        self._skips_string = rest is None
        if rest is not None:
            return self._passed(0, rest.end())
        self._passed(0, len(self.buffer))
        escapes = len(self.buffer) - len(self.buffer.rstrip(b"\\"))
        self.buffer = b"\\" * (escapes % 2)
        return -1

    def _name(self, start: int, end: int) -> None:
        if self._expects_key and self._expects_key[-1]:
            self._steps[-1] = _key(self.buffer[start:end])
            self._expects_key[-1] = False
            if self._enclosing:
                depth = len(self._steps) - 1
                column = self._enclosing.get((depth, self._steps[-1]), "")
                self._column = column if tuple(self._steps[:depth]) == self._path[:depth] else ""

    def _keep(self, raw: bytes) -> None:
        """Keep the value of a wanted key for the records that follow in its object."""
        column, self._column = self._column, ""
        with suppress(ValueError):
            self._values[column] = (len(self._steps) - 1, orjson.loads(raw))

    def _step(self, mark: int) -> None:
        if mark in b"{[":
            if self._values:
                depth = len(self._steps)
                self._values = {k: v for k, v in self._values.items() if v[0] < depth}
            self._steps.append("" if mark in b"{" else ITEM)
            self._expects_key.append(mark in b"{")
        elif mark in b"}]":
            del self._steps[-1:], self._expects_key[-1:]
        elif self._steps:
            self._expects_key[-1] = self._steps[-1] != ITEM

    def _record(self, raw: bytes) -> Record:
        if len(raw) > self._limit:
            return Record(self._line, too_long(self._limit), raw[:RAW_LIMIT])
        try:
            value = orjson.loads(raw)
        except ValueError:
            value = next(iter(objects_in(raw)), None)
        values = self._convert(value)
        if values is not None:
            for column, (_, known) in self._values.items():
                values.setdefault(column, known)
        return Record(self._line, _NOT_JSON if values is None else values, raw)

    def _unclosed(self, start: int, *, final: bool) -> Record:
        bad = cut_off() if final else too_long(self._limit)
        return Record(self._line, bad, self.buffer[start : start + RAW_LIMIT])

    def _passed(self, start: int, end: int) -> int:
        self._line += self.buffer.count(b"\n", start, end)
        return end


def _key(raw: bytes) -> str:
    try:
        return str(orjson.loads(raw))
    except ValueError:
        return raw[1:-1].decode("utf-8", "replace")
