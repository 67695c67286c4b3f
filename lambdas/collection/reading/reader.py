"""A dump, as batches of clean rows and rejects."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa

from lambdas.collection.reading.detect import open_parser
from lambdas.collection.reading.options import Profile, ReadOptions
from lambdas.collection.reading.records import Bad, Record, raw_text
from lambdas.collection.reading.rows import RowMaker
from shared.schemas.ingest import Reject
from shared.storage.shards import CLEAN_SCHEMA

_MAX_BATCH_BYTES = 48 * 2**20
"""A batch ends early at this much text, so that long texts cannot fill the memory."""


@dataclass(frozen=True)
class Batch:
    """Some consecutive records: ``rows_read`` = accepted rows of ``table`` + ``rejects``."""

    table: pa.Table
    rejects: list[Reject]
    rows_read: int


class Dump:
    """Iterates batches. ``profile`` is there once the first batch came, ``warnings`` at the end."""

    def __init__(self, stream: BinaryIO, name: str, options: ReadOptions) -> None:
        self._name = name
        self._options = options
        self._opened = open_parser(stream, options)
        self._makers: RowMaker | None = None
        self.profile: Profile = self._opened.profile

    @property
    def warnings(self) -> list[str]:
        """What a user should know of this dump; complete when the last batch came."""
        told = list(self._opened.state.warnings)
        if self._makers and self._makers.dates_unread:
            told.append(f"{self._makers.dates_unread} dates could not be read")
        return told

    def __iter__(self) -> Iterator[Batch]:
        collector = _Collector(self._name)
        makers: RowMaker | None = None
        last = self._options.batch_rows
        for record in self._opened.records:
            collector.read += 1
            if isinstance(record.values, Bad):
                collector.refuse(record, record.values)
            else:
                if makers is None:
                    makers = self._makers = self._opened.maker_for(record)
                row = makers.make(record.values, collector.total + collector.read)
                if row.__class__ is Bad:
                    collector.refuse(record, row)
                else:
                    collector.accept(row)
            if collector.read >= last or collector.size > _MAX_BATCH_BYTES:
                yield collector.batch()
        if collector.read or not collector.total:
            yield collector.batch()


class _Collector:
    """Rows and rejects of the batch that is being filled."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: list[tuple[Any, ...]] = []
        self._rejects: list[Reject] = []
        self.read = 0
        self.total = 0
        self.size = 0

    def accept(self, row: tuple[Any, ...]) -> None:
        self._rows.append(row)
        self.size += len(row[9]) + 200

    def refuse(self, record: Record, why: Bad) -> None:
        reject = Reject(
            file=self._name,
            line=record.line,
            record=self.total + self.read,
            reason=why.reason,
            detail=why.detail,
            raw=raw_text(record.raw),
        )
        self._rejects.append(reject)
        self.size += len(reject.raw) + 200

    def batch(self) -> Batch:
        made = Batch(_table(self._rows), self._rejects, self.read)
        self.total += self.read
        self._rows, self._rejects, self.read, self.size = [], [], 0, 0
        return made


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    if not rows:
        return CLEAN_SCHEMA.empty_table()
    arrays = []
    for column, spec in zip(zip(*rows, strict=True), CLEAN_SCHEMA, strict=True):
        if pa.types.is_timestamp(spec.type):
            arrays.append(pa.array(column, type=pa.int64()).cast(spec.type))
        else:
            arrays.append(pa.array(column, type=spec.type))
    return pa.Table.from_arrays(arrays, schema=CLEAN_SCHEMA)


def read_dump(stream: BinaryIO, *, name: str, options: ReadOptions) -> Dump:
    """Open a dump of any known format.

    Args:
        stream: the object's bytes; it need not seek.
        name: what rejects call the file; it has no say in how the file is read.
        options: mapping, secret, limits.

    Returns:
        The dump, to be iterated once. Nothing but its first few hundred KiB has been read.

    Raises:
        IngestError: the object as a whole cannot be read (now, or while it is iterated when a
            limit is passed).
    """
    return Dump(stream, name, options)
