"""Reviews through processing into the real database, and the API of insights over it."""

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
    """Stores reviews as one ingest of one shard; gives the message that asks to process it."""
    numbers = itertools.count(1)

    def make(reviews):
        number = next(numbers)
        ingest_id = ports.ledger.receive("raw", f"uploads/{number}", "etag")
        ports.ledger.start(ingest_id)
        given = {"source": "test", "product_id": "p1"}
        table = pa.Table.from_pylist(
            [
                {"review_id": f"r{number}-{n}", "record": n + 1, **given, **review}
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

    return make


@pytest.fixture
def read(ports, store):
    """Stores and processes reviews; gives the ingest id."""

    def make(reviews):
        message = store(reviews)
        Processor(ports).process(message)
        return message.ingest_id

    return make


@pytest.fixture
def http(database):
    return TestClient(
        create_app(lambda: InsightsDependencies(database)), raise_server_exceptions=False
    )


@pytest.fixture
def aspects(http):
    """What GET /aspects says: aspect → its entry."""

    def ask(**query):
        answer = http.get("/aspects", params={"min_reviews": 1, **query})
        assert answer.status_code == 200, answer.text
        return {entry["aspect"]: entry for entry in answer.json()["aspects"]}

    return ask


@pytest.fixture
def is_exact(rows):
    """Whether every count is that of its rows, whatever happened before."""

    def check():
        counted = rows(
            "SELECT scope, name, aspect, mentions, reviews, negative, neutral, positive"
            " FROM aspect_counts ORDER BY 1, 2, 3"
        )
        summed = rows(
            "SELECT scope, name, m.aspect, count(*), count(DISTINCT review_id),"
            " count(*) FILTER (WHERE m.sentiment = 'negative'),"
            " count(*) FILTER (WHERE m.sentiment = 'neutral'),"
            " count(*) FILTER (WHERE m.sentiment = 'positive')"
            " FROM ("
            "  SELECT r.review_id, r.product_id, p.category, f.* FROM reviews AS r"
            "  LEFT JOIN products AS p USING (product_id) CROSS JOIN LATERAL ("
            "   SELECT g.*, a.sentiment AS said FROM analyses AS a"
            "   JOIN aspect_readings AS g USING (review_id, model_version)"
            "   WHERE a.review_id = r.review_id"
            "   ORDER BY a.analysed_at DESC, model_version DESC LIMIT 1"
            "  ) AS g CROSS JOIN LATERAL ("
            "   SELECT '' AS aspect, g.said AS sentiment"
            "   UNION ALL SELECT * FROM unnest(g.aspects, g.sentiments)"
            "  ) AS f"
            " ) AS m CROSS JOIN LATERAL (VALUES ('all', ''), ('product', m.product_id),"
            "  ('category', coalesce(m.category, ''))) AS s (scope, name)"
            " WHERE name IS NOT NULL GROUP BY 1, 2, 3"
        )
        assert rows("SELECT count(*) FROM text_changes") == [(0,)]
        assert counted == sorted(summed)
        assert counted
        return True

    return check
