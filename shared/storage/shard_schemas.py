"""Columns of Parquet shards; this module needs no storage."""

import pyarrow as pa

from shared.schemas.formats import CLEAN_SHARD, EMBEDDING_SHARD, PARQUET_KEY, StoredFormat
from shared.schemas.review import CLEAN_FIELDS, SERVED_FIELDS, FieldType, ReviewField

_TYPES = {
    FieldType.IDENTIFIER: pa.string(),
    FieldType.NAME: pa.string(),
    FieldType.TEXT: pa.string(),
    FieldType.REAL: pa.float32(),
    FieldType.COUNT: pa.int32(),
    FieldType.POSITION: pa.int64(),
    FieldType.MOMENT: pa.timestamp("us", tz="UTC"),
    FieldType.FLAG: pa.bool_(),
    FieldType.URLS: pa.string(),
    FieldType.SENTIMENT: pa.string(),
}


def _schema(fields: tuple[ReviewField, ...], stored_format: StoredFormat) -> pa.Schema:
    columns = [
        pa.field(field.name, _TYPES[field.type], nullable=not field.required) for field in fields
    ]
    metadata = {PARQUET_KEY: str(stored_format.version).encode()}
    return pa.schema(columns, metadata=metadata)


CLEAN_SCHEMA = _schema(CLEAN_FIELDS, CLEAN_SHARD)
"""Columns of a clean shard."""
SERVED_SCHEMA = _schema(SERVED_FIELDS, EMBEDDING_SHARD)
"""Columns of an analysis shard, one row per row of the embedding shard."""
