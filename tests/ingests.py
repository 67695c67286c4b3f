"""Ingests stored as collection stores them."""

import pyarrow as pa

from shared.db.ingest.reviews import copy_rows, store_reviews
from shared.db.ingest.shards import StoredBatch, mark_processed, record_batch
from shared.schemas.messages import ProcessShard
from shared.storage import layout
from shared.storage.shard_schemas import CLEAN_SCHEMA
from shared.storage.shards import to_parquet


def store_shard(database, clean, ingest_id, part, reviews, *, fingerprint):
    """Store reviews as one clean shard of an ingest; return the message to process it."""
    table = pa.Table.from_pylist(reviews, schema=CLEAN_SCHEMA)
    key, rows = layout.clean_shard(ingest_id, part), len(reviews)
    with database.transaction() as connection:
        store_reviews(connection, ingest_id, copy_rows(table))
        clean.put(key, to_parquet(table))
        record_batch(connection, ingest_id, StoredBatch(part, fingerprint, rows, 0, rows, key))
    return ProcessShard(ingest_id=ingest_id, part=part, key=key, rows=rows)


def store_processed_shard(database, ledger, clean, texts, model_version):
    """Store texts as an ingest of one shard that a model has processed."""
    ingest_id = ledger.receive("raw", "uploads/a", "etag")
    ledger.start(ingest_id)
    reviews = [
        {"review_id": f"r{n}", "record": n + 1, "source": "test", "text": text}
        for n, text in enumerate(texts)
    ]
    shard = store_shard(database, clean, ingest_id, 0, reviews, fingerprint="f")
    with database.transaction() as connection:
        mark_processed(connection, shard, model_version)
    ledger.finish(ingest_id)
