"""Reviews processed into the real database, and the API of insights."""

import itertools

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies as InsightsDependencies
from lambdas.processing.dependencies import Dependencies, Model
from lambdas.processing.service import Processor
from shared.db.ingest.reviews import copy_rows, store_reviews
from shared.db.ingest.shards import StoredBatch, record_batch
from shared.schemas.messages import ProcessShard
from shared.storage import layout
from shared.storage.shards import CLEAN_SCHEMA, to_parquet
from tests.fakes.encoder import WordEncoder
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue


@pytest.fixture
def model():
    return Model(WordEncoder(), "m1", 2)


@pytest.fixture
def ports(database, ledger, model):
    return Dependencies(
        database=database,
        ledger=ledger,
        clean=MemoryStore("clean"),
        artefacts=MemoryStore("artefacts"),
        processing_queue=MemoryQueue(),
        index_queue=MemoryQueue(),
        current_model=lambda: model,
    )


@pytest.fixture
def store(ports):
    """Stores reviews as one ingest with one shard; returns the message to process it."""
    numbers = itertools.count(1)

    def store_reviews_as_shard(reviews):
        number = next(numbers)
        ingest_id = ports.ledger.receive("raw", f"uploads/{number}", "etag")
        ports.ledger.start(ingest_id)
        defaults = {"source": "test", "product_id": "p1"}
        table = pa.Table.from_pylist(
            [
                {"review_id": f"r{number}-{n}", "record": n + 1, **defaults, **review}
                for n, review in enumerate(reviews)
            ],
            schema=CLEAN_SCHEMA,
        )
        key = layout.clean_shard(ingest_id, 0)
        with ports.database.transaction() as connection:
            store_reviews(connection, ingest_id, copy_rows(table))
            ports.clean.put(key, to_parquet(table))
            batch = StoredBatch(0, f"f{number}", len(reviews), 0, len(reviews), key)
            record_batch(connection, ingest_id, batch)
        ports.ledger.finish(ingest_id)
        return ProcessShard(ingest_id=ingest_id, part=0, key=key, rows=len(reviews))

    return store_reviews_as_shard


@pytest.fixture
def process(ports, store):
    """Stores and processes reviews; returns the ingest id."""

    def store_and_process(reviews):
        message = store(reviews)
        Processor(ports).process(message)
        return message.ingest_id

    return store_and_process


@pytest.fixture
def http(database):
    return TestClient(
        create_app(lambda: InsightsDependencies(database)), raise_server_exceptions=False
    )


@pytest.fixture
def aspects(http):
    """Reads GET /aspects: aspect to its entry."""

    def get(**query):
        response = http.get("/aspects", params={"min_reviews": 1, **query})
        assert response.status_code == 200, response.text
        return {entry["aspect"]: entry for entry in response.json()["aspects"]}

    return get


@pytest.fixture
def counts_are_exact(rows):
    """Checks that all counts match the rows."""

    def check():
        counts = rows(
            "SELECT scope, name, aspect, mentions, reviews, negative, neutral, positive"
            " FROM aspect_counts ORDER BY 1, 2, 3"
        )
        expected = rows(
            "SELECT scope, name, m.aspect, count(*), count(DISTINCT review_id),"
            " count(*) FILTER (WHERE m.sentiment = 'negative'),"
            " count(*) FILTER (WHERE m.sentiment = 'neutral'),"
            " count(*) FILTER (WHERE m.sentiment = 'positive')"
            " FROM ("
            "  SELECT r.review_id, r.product_id, p.category, f.* FROM reviews AS r"
            "  LEFT JOIN products AS p USING (product_id) CROSS JOIN LATERAL ("
            "   SELECT g.*, a.sentiment AS review_sentiment FROM analyses AS a"
            "   JOIN aspect_readings AS g USING (review_id, model_version)"
            "   WHERE a.review_id = r.review_id"
            "   ORDER BY a.analysed_at DESC, model_version DESC LIMIT 1"
            "  ) AS g CROSS JOIN LATERAL ("
            "   SELECT '' AS aspect, g.review_sentiment AS sentiment"
            "   UNION ALL SELECT * FROM unnest(g.aspects, g.sentiments)"
            "  ) AS f"
            " ) AS m CROSS JOIN LATERAL (VALUES ('all', ''), ('product', m.product_id),"
            "  ('category', coalesce(m.category, ''))) AS s (scope, name)"
            " WHERE name IS NOT NULL GROUP BY 1, 2, 3"
        )
        assert rows("SELECT count(*) FROM text_changes") == [(0,)]
        assert counts == sorted(expected)
        assert counts
        return True

    return check
