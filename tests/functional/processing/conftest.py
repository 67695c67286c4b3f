"""A processor on the real database, with buckets, queues and encoder in memory."""

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
def ports(database, ledger, encoder):
    return Dependencies(
        database=database,
        ledger=ledger,
        clean=MemoryStore("clean"),
        artefacts=MemoryStore("artefacts"),
        processing_queue=MemoryQueue(),
        index_queue=MemoryQueue(),
        models=lambda: Model(encoder, "m1", 2),
    )


@pytest.fixture
def collect(ports):
    """Stores an ingest as collection does; gives (ingest id, its messages)."""

    def make(key="uploads/a", shards=2, rows=5, finish=True):
        ingest_id = ports.ledger.receive("raw", key, "etag")
        ports.ledger.start(ingest_id)
        messages = []
        for part in range(shards):
            made = [
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
            table = pa.Table.from_pylist(made, schema=CLEAN_SCHEMA)
            place = layout.clean_shard(ingest_id, part)
            with ports.database.transaction() as connection:
                store_reviews(connection, ingest_id, copy_rows(table))
                ports.clean.put(place, to_parquet(table))
                batch = StoredBatch(part, f"f{part}", rows, 0, rows, place)
                record_batch(connection, ingest_id, batch)
            messages.append(ProcessShard(ingest_id=ingest_id, part=part, key=place, rows=rows))
        if finish:
            ports.ledger.finish(ingest_id)
        return ingest_id, messages

    return make
