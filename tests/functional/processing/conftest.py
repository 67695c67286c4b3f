"""Dependencies of processing: a real database; buckets, queues and encoder in memory."""

import pytest

from lambdas.processing.dependencies import Model
from tests.fakes.dependencies import processing_dependencies
from tests.fakes.encoder import WordEncoder
from tests.ingests import store_shard

TEXTS = ("lovely thing", "bad thing", "fine thing")


@pytest.fixture
def encoder():
    return WordEncoder()


@pytest.fixture
def dependencies(database, ledger, encoder):
    return processing_dependencies(database, lambda: Model(encoder, "m1", 2), ledger=ledger)


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
            messages.append(
                store_shard(
                    dependencies.database,
                    dependencies.clean,
                    ingest_id,
                    part,
                    records,
                    fingerprint=f"f{part}",
                )
            )
        if finish:
            dependencies.ledger.finish(ingest_id)
        return ingest_id, messages

    return make
