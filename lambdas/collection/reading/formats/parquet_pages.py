"""Page headers of Parquet files: how much memory a row group needs, known before it is read."""

from collections.abc import Iterator
from typing import IO, Any, NamedTuple

_MAX_HEADER_BYTES = 16 * 2**20
_FIRST_HEADER_BYTES = 512
_MAX_DEPTH = 8
_SIZE, _PACKED = 2, 3
_DICTIONARY_HEADER = 7
_HEADERS = {5: 2, 7: 2, 8: 4}
"""Headers of data, dictionary and version 2 data pages, each with its field of the encoding."""
_BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 3, (4, 5, 6), 7, 8, (9, 10), 12


class Page(NamedTuple):
    """What the header of a page states: its size without compression, its values."""

    size: int
    values: int
    encoding: int
    is_dictionary: bool


def read_pages(file: IO[bytes], start: int, end: int, values: int) -> Iterator[Page]:
    """Yield the pages of a column chunk until they have ``values`` values.

    Raises:
        ValueError: a header cannot be read.
    """
    while start < end and values > 0:
        header, length = _read_header(file, start, end)
        packed, size = header.get(_PACKED, -1), header.get(_SIZE, -1)
        start += length + packed
        if packed < 0 or size < 0 or start > end:
            raise ValueError("a page ends outside its column")
        for name, encoding in _HEADERS.items():
            if isinstance(details := header.get(name), dict):
                page = Page(size, details.get(1, 0), details.get(encoding, 0), name == 7)
                values -= 0 if page.is_dictionary else page.values
                if page.values < 0:
                    raise ValueError("a page has less than no values")
                yield page


def _read_header(file: IO[bytes], start: int, end: int) -> tuple[dict[int, Any], int]:
    size = _FIRST_HEADER_BYTES
    while True:
        file.seek(start)
        data = file.read(min(size, end - start))
        reader = _Compact(data)
        try:
            return reader.struct(), reader.place
        except IndexError:
            if len(data) < size or size >= _MAX_HEADER_BYTES:
                raise ValueError("a page header is cut off") from None
        size *= 8


class _Compact:
    """Reads a struct of Thrift's compact protocol; texts and lists are skipped."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("a page header is nested too deeply")
        fields: dict[int, Any] = {}
        name = 0
        while byte := self._byte():
            name = name + (byte >> 4) if byte >> 4 else self._integer()
            fields[name] = self._value(byte & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind == _BINARY:
            self._skip(self._unsigned())
        elif kind in (_BYTE, _DOUBLE):
            self._skip(1 if kind == _BYTE else 8)
        elif kind in _LISTS:
            head = self._byte()
            for _ in range(head >> 4 if head >> 4 < 15 else self._unsigned()):
                self._value(head & 15, depth + 1)
        elif kind not in (1, 2):  # true and false
            raise ValueError("a page header has a field of an unknown type")
        return None

    def _byte(self) -> int:
        self.place += 1
        return self._data[self.place - 1]

    def _skip(self, size: int) -> None:
        self.place += size
        if self.place > len(self._data):
            raise IndexError

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a page header has a number that is too large")
        return value | byte << shift

    def _integer(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)
