"""Parquet shards: clean reviews, and the columns that answers show.

The read path never imports this module, so it never loads pyarrow.
"""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import ArtefactError
from shared.schemas.formats import (
    CLEAN_SHARD,
    EMBEDDING_SHARD,
    PARQUET_KEY,
    UNVERSIONED,
    FormatError,
    StoredFormat,
)
from shared.storage.objects import ObjectStore
from shared.storage.shard_schemas import CLEAN_SCHEMA, SERVED_SCHEMA


def to_parquet(table: pa.Table) -> bytes:
    """Serialise a shard (zstd); the same table gives the same bytes."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def read_clean(store: ObjectStore, key: str) -> pa.Table:
    """Read a clean shard (CLEAN_SCHEMA).

    Raises:
        NotFoundError: there is no such object.
        FormatError: this release does not read its format.
        ArtefactError: it is truncated or not Parquet.
    """
    return _read(store, key, CLEAN_SCHEMA, CLEAN_SHARD)


def read_served(store: ObjectStore, key: str) -> pa.Table:
    """Read an analysis shard (SERVED_SCHEMA); errors as in ``read_clean``."""
    return _read(store, key, SERVED_SCHEMA, EMBEDDING_SHARD)


def _read(store: ObjectStore, key: str, schema: pa.Schema, stored_format: StoredFormat) -> pa.Table:
    body, _ = store.get(key)
    try:
        # pq.read_table would also load pyarrow's datasets, and pandas where that is installed
        table = pq.ParquetFile(pa.BufferReader(body)).read()
    except (pa.ArrowException, OSError) as error:
        raise ArtefactError(f"{key} is truncated or not Parquet") from error
    stored_format.check(key, _version_of(table))
    return pa.Table.from_arrays([_column(table, key, field) for field in schema], schema=schema)


def _version_of(table: pa.Table) -> object:
    value = (table.schema.metadata or {}).get(PARQUET_KEY, str(UNVERSIONED).encode()).decode()
    return int(value) if value.isdecimal() else value


def _column(table: pa.Table, key: str, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    """The column of a field; nulls where the file was written before the field existed."""
    if field.name not in table.column_names:
        if not field.nullable:
            raise FormatError(f"{key} has no column {field.name}")
        return pa.nulls(table.num_rows, field.type)
    column = table[field.name]
    if column.type != field.type:
        raise FormatError(f"column {field.name} of {key} is {column.type}, not {field.type}")
    if column.null_count and not field.nullable:
        raise FormatError(f"column {field.name} of {key} has nulls")
    return column
