"""JSON objects in other layouts: pretty-printed, or an array on a single line."""

import re
import sys
from collections.abc import Generator, Iterator
from itertools import islice

from lambdas.collection.reading.formats.exact import parse_exactly
from lambdas.collection.reading.formats.json_lines import objects_in
from lambdas.collection.reading.formats.unquoted import cut_off, too_long
from lambdas.collection.reading.records import RAW_LIMIT, Bad, Record, StreamState
from shared.schemas.ingest import RejectReason

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,\[\]\0]*")
_OVERLAP = 256
_SHORT_SEARCH_BYTES = 1024
_MAX_NESTED_STARTS = 50
_SEARCH_CREDIT_BYTES = 2**18
"""Bytes that may be searched in vain for the end of objects, beside as many as objects have."""


def object_end(buffer: bytes, start: int, stop: int = sys.maxsize) -> int:
    """Find the end of the object that opens at ``start``, searching up to ``stop``.

    Returns:
        The position after its closing brace, or -1 if it is not in the buffer.
    """
    depth = 0
    for token in _TOKEN.finditer(buffer, start, stop):
        mark = buffer[token.start()]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if depth <= 0:
                return token.end()
    return -1


def starts_of(buffer: bytes) -> re.Pattern[bytes]:
    """Pattern of the beginning of an object: a brace and the first key of the first object."""
    first = re.search(rb'\{\s*("(?:[^"\\]|\\.){1,200}")\s*:', buffer)
    key = re.escape(first[1]) if first else rb'"'
    return re.compile(rb"\{\s*" + key)


def parse_json_stream(
    chunks: Iterator[bytes], state: StreamState, *, limit: int, starts: re.Pattern[bytes]
) -> Iterator[Record]:
    """Yield one record per object, with any white space and line ends around and inside them.

    If braces or quotes do not match, one record is rejected and reading continues at the next place
    that looks like the beginning of an object of this file.
    """
    objects = _Objects(limit, starts)
    for chunk in chunks:
        objects.buffer += chunk
        # an incomplete object is searched again when the buffer has doubled, so in linear time
        if len(objects.buffer) >= objects.enough:
            yield from objects.take(final=False)
    yield from objects.take(final=True)
    if objects.array and not objects.closed:
        state.warnings.append("the JSON array is not closed: the file is probably truncated")


class _Objects:
    """The part of the stream that is not yet split into objects."""

    def __init__(self, limit: int, starts: re.Pattern[bytes]) -> None:
        self.buffer = b""
        self.array = self.closed = False
        self._limit = limit
        self._starts = starts
        self._line = 1
        self._began = False
        self._skipping: tuple[int, bytes] | None = None
        self._credit = _SEARCH_CREDIT_BYTES
        self.enough = 0

    def take(self, *, final: bool) -> Iterator[Record]:
        """Yield the complete objects (at the end: everything) and keep the rest."""
        position = 0
        while position < len(self.buffer):
            if self._skipping:
                begin = self._starts.search(self.buffer, position)
                if begin is None:
                    break
                yield self._skipped()
                position = self._passed(position, begin.start())
            position = self._separators(position)
            start = self.buffer.find(b"{", position)
            if start != position:
                if start < 0 and not final:
                    break
                end = start if start >= 0 else len(self.buffer)
                if position < end:
                    yield self._malformed(position, end, "not a JSON object")
                position = self._passed(position, end)
                continue
            end = self._end_of(start)
            if end < 0 and not final and len(self.buffer) - start <= self._limit:
                break
            if end < 0 and not final and not self._starts.search(self.buffer, start + 1):
                break
            found_end = yield from self._object(start, end)
            position = self._passed(position, found_end)
        self.buffer = self.buffer[position:]
        self._shorten()
        self.enough = min(2 * len(self.buffer), self._limit + 1)
        if final and self._skipping:
            yield self._skipped()

    def _end_of(self, start: int) -> int:
        stop = start + _SHORT_SEARCH_BYTES
        if self._credit < 0:  # most objects are not closed: do not look beyond the next one
            stop = min(stop, self._start_after(start, 0))
        end = object_end(self.buffer, start, stop)
        if end < 0 and stop == start + _SHORT_SEARCH_BYTES < len(self.buffer):
            # do not search far if dozens of objects seem to begin inside this one
            stop = self._start_after(start, _MAX_NESTED_STARTS if self._credit >= 0 else 0)
            end = object_end(self.buffer, start, stop)
        self._credit += end - start if end >= 0 else start - min(stop, len(self.buffer))
        return end

    def _start_after(self, start: int, skip: int) -> int:
        """Where the next object seems to begin, or the one after ``skip`` others."""
        begun = islice(self._starts.finditer(self.buffer, start + 1), skip, None)
        return next((begin.start() for begin in begun), sys.maxsize)

    def _separators(self, position: int) -> int:
        end = _BETWEEN.match(self.buffer, position).end()  # type: ignore[union-attr]
        between = self.buffer[position:end]
        if between:
            self.array |= not self._began and b"[" in between
            self.closed = b"]" in between
        self._began = True
        return self._passed(position, end)

    def _object(self, start: int, end: int) -> Generator[Record, None, int]:
        """Yield the object, or a reject for it, and return where to continue."""
        if end >= 0 and end - start <= self._limit:
            raw = self.buffer[start:end]
            try:
                objects = [parse_exactly(raw)]
            except ValueError:
                objects = objects_in(raw)
            for values in objects:
                yield Record(self._line, values, raw)
            if objects:
                return end
        again = self._starts.search(self.buffer, start + 1, end if end >= 0 else len(self.buffer))
        if again:
            yield self._malformed(start, again.start(), "not a JSON object: it is not closed")
            return again.start()
        if end < 0:
            yield Record(self._line, cut_off(), self.buffer[start:])
            return len(self.buffer)
        if end - start > self._limit:
            yield Record(self._line, too_long(self._limit), self.buffer[start : start + RAW_LIMIT])
        else:
            yield self._malformed(start, end, "not a JSON object")
        return end

    def _malformed(self, start: int, end: int, why: str) -> Record:
        return Record(self._line, Bad(RejectReason.MALFORMED, why), self.buffer[start:end])

    def _passed(self, start: int, end: int) -> int:
        self._line += self.buffer.count(b"\n", start, end)
        return end

    def _shorten(self) -> None:
        if len(self.buffer) <= self._limit:
            return
        if not self._skipping:
            self._skipping = (self._line, self.buffer[:RAW_LIMIT])
        cut = len(self.buffer) - _OVERLAP
        self._passed(0, cut)
        self.buffer = self.buffer[cut:]

    def _skipped(self) -> Record:
        line, head = self._skipping or (self._line, b"")
        self._skipping = None
        return Record(line, too_long(self._limit), head)
