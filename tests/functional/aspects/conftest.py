"""Reviews processed into the real database, and the API of insights."""

import itertools

import pytest
from fastapi.testclient import TestClient

from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies
from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from tests.fakes.dependencies import processing_dependencies
from tests.fakes.encoder import WordEncoder
from tests.ingests import store_shard


@pytest.fixture
def model():
    return Model(WordEncoder(), "m1", 2)


@pytest.fixture
def dependencies(database, ledger, model):
    return processing_dependencies(database, lambda: model, ledger=ledger)


@pytest.fixture
def store(dependencies):
    """Stores reviews as one ingest with one shard; returns the message to process it."""
    numbers = itertools.count(1)

    def store_ingest(reviews):
        number = next(numbers)
        ingest_id = dependencies.ledger.receive("raw", f"uploads/{number}", "etag")
        dependencies.ledger.start(ingest_id)
        defaults = {"source": "test", "product_id": "p1"}
        rows = [
            {"review_id": f"r{number}-{n}", "record": n + 1, **defaults, **review}
            for n, review in enumerate(reviews)
        ]
        message = store_shard(
            *(dependencies.database, dependencies.clean, ingest_id, 0, rows),
            fingerprint=f"f{number}",
        )
        dependencies.ledger.finish(ingest_id)
        return message

    return store_ingest


@pytest.fixture
def process(dependencies, store):
    """Stores and processes reviews; returns the ingest id."""

    def store_and_process(reviews):
        message = store(reviews)
        Processor(dependencies).process(message)
        return message.ingest_id

    return store_and_process


@pytest.fixture
def http(database):
    return TestClient(create_app(lambda: Dependencies(database)), raise_server_exceptions=False)


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
