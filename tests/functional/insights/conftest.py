"""A small shop behind the insights API, on the real database."""

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from lambdas.insights.api import create_app
from shared.db.ingest.analyses import upsert_analyses
from shared.db.ingest.reviews import copy_rows, store_reviews
from shared.db.insights.rollups import refresh
from shared.storage.shards import CLEAN_SCHEMA

LABELS = ("negative", "neutral", "positive")


@pytest.fixture
def http(database):
    return TestClient(create_app(database))


@pytest.fixture
def store(database):
    """Stores rows as collection does; the figures do not know of them yet."""

    def make(rows, ingest_id="i"):
        given = [{"record": n + 1, "source": "s", "text": "t", **row} for n, row in enumerate(rows)]
        table = pa.Table.from_pylist(given, schema=CLEAN_SCHEMA)
        with database.transaction() as connection:
            store_reviews(connection, ingest_id, copy_rows(table))

    return make


@pytest.fixture
def judge(database):
    """Writes what a model says, as processing does; the figures do not know of it yet."""

    def make(sentiments, model="m1", confidence=0.8):
        ids, labels = list(sentiments), list(sentiments.values())
        rest = (1 - confidence) / 2
        chances = [[confidence if label == each else rest for label in labels] for each in LABELS]
        with database.transaction() as connection:
            upsert_analyses(connection, model, ids, labels, [confidence] * len(ids), chances)

    return make


@pytest.fixture
def fill(database, store, judge):
    """Rows with ``sentiment`` (and ``confidence``) among their values: in the figures at once."""

    def make(rows, *, ingest_id="i", model="m1"):
        rows = [dict(row) for row in rows]
        judged = {}
        for row in rows:
            sentiment, confidence = row.pop("sentiment", None), row.pop("confidence", 0.8)
            if sentiment:
                judged.setdefault(confidence, {})[row["review_id"]] = sentiment
        store(rows, ingest_id)
        for confidence, sentiments in judged.items():
            judge(sentiments, model, confidence)
        assert refresh(database)

    return make


@pytest.fixture
def add(fill):
    """Adds one review; ``sentiment`` is what the model said of it."""

    def make(review_id, *, model="m1", **values):
        row = {"review_id": review_id, "product_id": None, **values}
        fill([row], ingest_id=review_id, model=model)

    return make
