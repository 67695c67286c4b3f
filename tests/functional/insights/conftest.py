"""A small shop behind the insights API, with a real database."""

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from lambdas.insights.api import create_app
from lambdas.insights.dependencies import Dependencies
from shared.db.ingest.analyses import upsert_analyses
from shared.db.ingest.reviews import copy_rows, store_reviews
from shared.db.insights.rollups import refresh
from shared.storage.shard_schemas import CLEAN_SCHEMA
from tests.functional.insights.reviews import on

LABELS = ("negative", "neutral", "positive")


@pytest.fixture
def http(database):
    return TestClient(create_app(lambda: Dependencies(database)))


@pytest.fixture
def store(database):
    """Store rows as collection does, without refreshing the figures."""

    def make(rows, ingest_id="i"):
        rows = [{"record": n + 1, "source": "s", "text": "t", **row} for n, row in enumerate(rows)]
        table = pa.Table.from_pylist(rows, schema=CLEAN_SCHEMA)
        with database.transaction() as connection:
            store_reviews(connection, ingest_id, copy_rows(table))

    return make


@pytest.fixture
def judge(database):
    """Store analyses as processing does, without refreshing the figures."""

    def make(sentiments, model="m1", confidence=0.8, languages=None):
        ids, labels = list(sentiments), list(sentiments.values())
        rest = (1 - confidence) / 2
        probabilities = [
            [confidence if label == each else rest for label in labels] for each in LABELS
        ]
        n = len(ids)
        spoken = [(languages or {}).get(review_id, ("en", True)) for review_id in ids]
        with database.transaction() as connection:
            upsert_analyses(connection, model, ids, labels, [confidence] * n, probabilities, spoken)

    return make


@pytest.fixture
def fill(database, store, judge):
    """Store rows, with ``sentiment`` and ``confidence``, and refresh the figures."""

    def make(rows, *, ingest_id="i", model="m1"):
        rows = [dict(row) for row in rows]
        analysed = {}
        for row in rows:
            sentiment, confidence = row.pop("sentiment", None), row.pop("confidence", 0.8)
            if sentiment:
                analysed.setdefault(confidence, {})[row["review_id"]] = sentiment
        store(rows, ingest_id)
        for confidence, sentiments in analysed.items():
            judge(sentiments, model, confidence)
        assert refresh(database)

    return make


@pytest.fixture
def add(fill):
    """Store one review, with its ``sentiment``, and refresh the figures."""

    def make(review_id, *, model="m1", **values):
        row = {"review_id": review_id, "product_id": None, **values}
        fill([row], ingest_id=review_id, model=model)

    return make


@pytest.fixture
def shop(fill):
    """Ten reviews of three products in two categories, from two sources."""
    lamp = {"product_id": "A/1", "product_title": "Desk 100% lamp", "category": "Home"}
    fill(
        [
            on((2026, 1, 5), review_id="r0", **lamp, rating=5.0, sentiment="positive"),
            on((2026, 1, 11), review_id="r1", **lamp, rating=1.0, sentiment="negative"),
            on((2026, 1, 12), review_id="r2", **lamp, rating=4.5, sentiment="negative"),
            on((2026, 2, 1), review_id="r3", **lamp, rating=3.0, sentiment="neutral"),
            {"review_id": "r4", **lamp, "sentiment": "positive", "source": "other"},
            on((2026, 1, 20), review_id="r5", product_id="B", category="Audio", rating=2.0,
               sentiment="positive", source="other"),
            on((2026, 1, 21), review_id="r6", product_id="B", category="Audio", rating=4.0,
               sentiment="negative", confidence=0.6),
            on((2026, 1, 21), review_id="r7", product_id="B", rating=None),
            on((2026, 3, 1), review_id="r8", product_id="C", rating=5.0, sentiment="positive"),
            on((2026, 3, 2), review_id="r9", product_id=None, rating=4.0, sentiment="positive"),
        ]
    )  # fmt: skip
