"""The first records of a dump, read ahead to decide how the dump writes its values."""

from collections import deque
from collections.abc import Iterator

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
        try:
            for record in records:
                self.records.append(record)
                size += _size(record)
                if len(self.records) >= _MAX_RECORDS or size > _MAX_CHARACTERS:
                    break
        except IngestError as error:  # records before it still count
            self._error = error

    def replay(self) -> Iterator[Record]:
        """Yield the records read ahead, then the others.

        Raises:
            IngestError: the dump cannot be read beyond this record.
        """
        while self.records:
            yield self.records.popleft()
        if self._error:
            raise self._error
        yield from self._rest


def _size(record: Record) -> int:
    raw = record.raw
    if raw.__class__ is bytes or raw.__class__ is str:
        return len(raw)
    if isinstance(raw, Named):
        raw = raw.values
    if isinstance(raw, list | tuple):
        return sum(len(part) for part in raw if isinstance(part, str | bytes))
    return len(raw)
