"""The first records of a dump, read ahead to decide how the dump writes its values."""

from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from lambdas.collection.reading.records import Named, Record
from shared.errors import IngestError

_MAX_RECORDS = 2_000
_MAX_CHARACTERS = 8 * 2**20


class Sample:
    """Reads records ahead, bounded in number and size; ``replay`` yields all records in order."""

    def __init__(self, records: Iterator[Record]) -> None:
        self.records: deque[Record] = deque()
        self._rest = records
        self._error: IngestError | None = None
        size = 0
        keep = self.records.append
        try:
            for record in islice(records, _MAX_RECORDS):
                keep(record)
                raw = record.raw
                size += len(raw) if raw.__class__ is bytes else _size(raw)
                if size > _MAX_CHARACTERS:
                    break
        except IngestError as error:  # records before it still count
            self._error = error

    def replay(self) -> Iterator[Record]:
        """Yield the records read ahead, then the others; each is freed when it is yielded.

        Raises:
            IngestError: the dump cannot be read beyond this record.
        """
        # iter and chain need no Python code for each record
        ahead: deque[Record | None] = deque([*self.records, None])
        self.records.clear()
        return chain(iter(ahead.popleft, None), self._failed(), self._rest)

    def _failed(self) -> Iterator[Record]:
        if self._error:
            raise self._error
        yield from ()


def _size(raw: bytes | str | list[str] | Named) -> int:
    """Number of characters of a raw row."""
    if raw.__class__ is Named:
        return sum(len(value) for value in raw[1] if value.__class__ is str)
    return sum(map(len, raw)) if raw.__class__ is list else len(raw)
