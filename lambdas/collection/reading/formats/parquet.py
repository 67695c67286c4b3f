"""Parquet: streams row groups and reads only the columns that are used."""

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lambdas.collection.reading.encoding import decode_text
from lambdas.collection.reading.formats.unquoted import cut_off
from lambdas.collection.reading.records import Named, Record, StreamState
from shared.errors import IngestError

_ROWS = 4096
_EARLIEST = 315_532_800_000_000
"""1980 in microseconds: a smaller number would be read as milliseconds."""


def open_parquet(file: IO[bytes]) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises:
        IngestError: format_unknown if it has no readable footer (a truncated Parquet file has none
            and cannot be read at all).
    """
    try:
        return pq.ParquetFile(
            file, pre_buffer=False, buffer_size=2**20, page_checksum_verification=True
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise IngestError(
            "format_unknown", "the Parquet object has no readable footer; it may be truncated"
        ) from error


def parse_parquet(
    parquet: pq.ParquetFile, columns: list[str], state: StreamState
) -> Iterator[Record]:
    """Yield one record per row, as the list of the values of ``columns``."""
    batches = parquet.iter_batches(batch_size=_ROWS, columns=columns)
    while True:
        try:
            batch = next(batches)
            values = [_values(batch.column(place)) for place in range(batch.num_columns)]
            names = batch.schema.names
        except StopIteration:
            return
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            state.warnings.append(
                f"the Parquet file is damaged; the rest is not read: {error}"[:300]
            )
            yield Record(None, cut_off(), "")
            return
        order = [values[names.index(column)] for column in columns]
        for row in zip(*order, strict=True):
            yield Record(None, list(row), Named(columns, row))


def _values(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):  # as a number: nanoseconds do not fit into a datetime
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
        column = pc.if_else(pc.less(column, _EARLIEST), -1, column)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _decoded(column)
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        return _decoded(column.cast(pa.large_binary()))
    except (OverflowError, ValueError):  # times and dates outside the range of Python
        return column.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


def _decoded(column: pa.Array) -> list[Any]:
    return [None if value is None else decode_text(value) for value in column.to_pylist()]
