"""Parquet: streams row groups and reads only the columns that are used."""

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lambdas.collection.reading.decompress import SizeLimit
from lambdas.collection.reading.formats.parquet_chunks import BUFFER_BYTES
from lambdas.collection.reading.formats.parquet_plan import RowGroup, leaves_of, plan_row_group
from lambdas.collection.reading.formats.parquet_values import cell_sizes, decode_values, head_of
from lambdas.collection.reading.formats.unquoted import cut_off, too_long
from lambdas.collection.reading.place import Place
from lambdas.collection.reading.records import Named, Record, StreamState
from shared.errors import IngestError

MAX_COLUMNS = 1000
_MAX_FOOTER_BYTES = 16 * 2**20
_PART_BYTES = 4 * 2**20
"""Text that is decoded at a time."""
_ERRORS = (pa.ArrowException, OSError, ValueError, OverflowError)


class Parquet:
    """An open Parquet file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.metadata = pq.read_metadata(file)
        self._held: frozenset[str] = frozenset()
        self._reader = self._open()
        self.names: list[str] = self._reader.schema_arrow.names

    def reader(self, held: frozenset[str]) -> pq.ParquetFile:
        """A reader that reads the columns ``held`` as dictionaries."""
        if held != self._held:
            self._held = held
            self._reader = self._open()
        return self._reader

    def _open(self) -> pq.ParquetFile:
        return pq.ParquetFile(
            self.file,
            metadata=self.metadata,
            read_dictionary=sorted(self._held),
            pre_buffer=False,
            buffer_size=BUFFER_BYTES,
            page_checksum_verification=True,
        )


def open_parquet(file: IO[bytes]) -> Parquet:
    """Open a Parquet file.

    Raises:
        IngestError: format_unknown if it has no readable footer (a truncated Parquet file has none
            and cannot be read at all); decompression_limit if the footer is too large.
    """
    try:
        _check_footer(file)
        return Parquet(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise IngestError(
            "format_unknown", "the Parquet object has no readable footer; it may be truncated"
        ) from error


def _check_footer(file: IO[bytes]) -> None:
    size = file.seek(0, 2)
    file.seek(max(0, size - 8))
    footer = int.from_bytes(file.read(4), "little")
    file.seek(0)
    if _MAX_FOOTER_BYTES < footer < size:
        message = f"the footer of the Parquet file has {footer} bytes; its row groups and columns "
        limit = f"may take {_MAX_FOOTER_BYTES // 2**20} MiB"
        raise IngestError("decompression_limit", message + limit)


def parse_parquet(
    parquet: Parquet,
    columns: list[str],
    state: StreamState,
    size: SizeLimit,
    limit: int,
    place: Place | None = None,
) -> Iterator[Record]:
    """Yield one record per row, as the list of the values of ``columns``.

    ``place`` says at which row group and row to begin, and follows.

    Raises:
        IngestError: schema_unknown if there are too many columns; decompression_limit.
    """
    metadata = parquet.metadata
    leaves = leaves_of(metadata, columns)
    if len(leaves) > MAX_COLUMNS:
        message = f"{len(leaves)} columns of the Parquet file would be read"
        raise IngestError("schema_unknown", f"{message}, the limit is {MAX_COLUMNS}")
    place = place or Place()
    place.expanded = lambda: state.bytes_out
    state.bytes_out = max(state.bytes_out, place.mark.expanded or 0)
    before = place.mark.lines
    for group in range(place.mark.offset, metadata.num_row_groups):
        place.offset = group
        rows = metadata.row_group(group).num_rows
        skip = place.begin(before, rows)
        before += rows
        plan = plan_row_group(parquet.file, metadata, group, leaves)
        try:
            for batch in _after(_batches(parquet.reader(plan.held), group, columns, plan), skip):
                yield from _Parts(batch, columns, limit).records(size)
        except _ERRORS as error:
            state.warnings.append(
                f"the Parquet file is damaged; the rest is not read: {error}"[:300]
            )
            place.is_border = False  # no later run begins here: nothing follows
            yield Record(None, cut_off(), "")
            return


def _after(batches: Iterator[pa.RecordBatch], skip: int) -> Iterator[pa.RecordBatch]:
    """Leave out the first rows."""
    for batch in batches:
        if skip < len(batch):
            yield batch.slice(skip) if skip else batch
        skip = max(0, skip - len(batch))


def _batches(
    reader: pq.ParquetFile, group: int, columns: list[str], plan: RowGroup
) -> Iterator[pa.RecordBatch]:
    batches = reader.iter_batches(plan.batch_rows, row_groups=[group], columns=columns)
    rows = 0
    while plan.intact_rows is None or rows + plan.batch_rows <= plan.intact_rows:
        batch = next(batches, None)
        if batch is None:
            return
        rows += len(batch)
        yield batch
    raise ValueError("a page header cannot be read")


class _Parts:
    """The rows of a batch, decoded part by part: a value in a dictionary may be in many rows."""

    def __init__(self, batch: pa.RecordBatch, columns: list[str], limit: int) -> None:
        names = batch.schema.names
        self._names = columns
        self._columns = [batch.column(names.index(column)) for column in columns]
        self._cells = [cell_sizes(column) for column in self._columns]
        self._limit = limit
        total = self._cells[0]
        for cells in self._cells[1:]:
            total = pc.add(total, cells)
        self._sizes = total

    def records(self, size: SizeLimit) -> Iterator[Record]:
        rows, width = len(self._sizes), len(self._columns)
        whole, longest = pc.sum(self._sizes).as_py() or 0, pc.max(self._sizes).as_py() or 0
        if whole <= _PART_BYTES and longest - width <= self._limit:
            size.add(whole, expanded=True)
            yield from self._rows(0, rows)
        else:
            yield from self._in_parts(size, width)

    def _in_parts(self, size: SizeLimit, width: int) -> Iterator[Record]:
        start = part = 0
        for place, row in enumerate(self._sizes.to_pylist()):
            is_long = row - width > self._limit
            if start < place and (is_long or part + row > _PART_BYTES):
                size.add(part, expanded=True)
                yield from self._rows(start, place)
                start, part = place, 0
            if is_long:
                yield self._long_row(place)
                start = place + 1
            else:
                part += row
        size.add(part, expanded=True)
        yield from self._rows(start, len(self._sizes))

    def _rows(self, start: int, end: int) -> Iterator[Record]:
        values = [decode_values(column.slice(start, end - start)) for column in self._columns]
        for row in zip(*values, strict=True):
            yield Record(None, list(row), Named(self._names, row))

    def _long_row(self, place: int) -> Record:
        cells = zip(self._columns, self._cells, strict=True)
        heads: list[Any] = [head_of(column, place, sizes[place].as_py()) for column, sizes in cells]
        return Record(None, too_long(self._limit), Named(self._names, tuple(heads)))
