"""Parquet shards: clean reviews, and the columns that answers show.

pyarrow lives here alone, so that the read path never loads it.
"""

import io

import pyarrow as pa
import pyarrow.parquet as pq

CLEAN_SCHEMA = pa.schema(
    [
        pa.field("review_id", pa.string(), nullable=False),
        pa.field("record", pa.int64(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("product_id", pa.string()),
        pa.field("product_title", pa.string()),
        pa.field("category", pa.string()),
        pa.field("reviewer_key", pa.string()),
        pa.field("rating", pa.float32()),
        pa.field("title", pa.string()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("original_text", pa.string()),
        pa.field("reviewed_at", pa.timestamp("us", tz="UTC")),
        pa.field("verified", pa.bool_()),
        pa.field("helpful_votes", pa.int32()),
    ]
)
"""Columns of CleanReview, in its order."""

SERVED_SCHEMA = pa.schema(
    [
        pa.field("review_id", pa.string(), nullable=False),
        pa.field("product_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("rating", pa.float32()),
        pa.field("reviewed_at", pa.timestamp("us", tz="UTC")),
        pa.field("sentiment", pa.string(), nullable=False),
        pa.field("confidence", pa.float32(), nullable=False),
    ]
)
"""What an index version's side file is made from; one row per row of the embedding shard."""


def to_parquet(table: pa.Table) -> bytes:
    """Serialise a shard (zstd); the same table gives the same bytes."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def from_parquet(body: bytes) -> pa.Table:
    """Read a shard written by to_parquet."""
    return pq.read_table(pa.BufferReader(body))
