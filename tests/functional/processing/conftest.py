"""Dependencies of processing: a real database; buckets, queues and encoder in memory."""

import pyarrow as pa
import pytest

from lambdas.processing.dependencies import Dependencies, Model
from shared.db.ingest.reviews import copy_rows, store_reviews
from shared.db.ingest.shards import StoredBatch, record_batch
from shared.schemas.messages import ProcessShard
from shared.storage import layout
from shared.storage.shards import CLEAN_SCHEMA, to_parquet
from tests.fakes.encoder import WordEncoder
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue

TEXTS = ("lovely thing", "bad thing", "fine thing")


@pytest.fixture
def encoder():
    return WordEncoder()


@pytest.fixture
def dependencies(database, ledger, encoder):
    return Dependencies(
        database=database,
        ledger=ledger,
        clean=MemoryStore("clean"),
        artefacts=MemoryStore("artefacts"),
        processing_queue=MemoryQueue(),
        index_queue=MemoryQueue(),
        current_model=lambda: Model(encoder, "m1", 2),
    )


@pytest.fixture
def collect(dependencies):
    """Store an ingest as collection does; return its id and its messages."""

    def make(key="uploads/a", shards=2, rows=5, finish=True):
        ingest_id = dependencies.ledger.receive("raw", key, "etag")
        dependencies.ledger.start(ingest_id)
        messages = []
        for part in range(shards):
            records = [
                {
                    "review_id": f"{key}:{part}:{n}",
                    "record": part * rows + n + 1,
                    "source": "test",
                    "product_id": f"p{n % 2}",
                    "title": "Title" if n % 2 else None,
                    "text": f"{TEXTS[n % 3]} {n}",
                    "rating": 4.0,
                }
                for n in range(rows)
            ]
            table = pa.Table.from_pylist(records, schema=CLEAN_SCHEMA)
            shard_key = layout.clean_shard(ingest_id, part)
            with dependencies.database.transaction() as connection:
                store_reviews(connection, ingest_id, copy_rows(table))
                dependencies.clean.put(shard_key, to_parquet(table))
                batch = StoredBatch(part, f"f{part}", rows, 0, rows, shard_key)
                record_batch(connection, ingest_id, batch)
            messages.append(ProcessShard(ingest_id=ingest_id, part=part, key=shard_key, rows=rows))
        if finish:
            dependencies.ledger.finish(ingest_id)
        return ingest_id, messages

    return make
