"""A collector with a real database, and buckets and queues in memory."""

import dataclasses
import json

import pytest

from lambdas.collection.arrivals import Arrival
from lambdas.collection.service import Collector
from shared.schemas.ingest import ingest_id_of
from tests.fakes.dependencies import collection_dependencies


def review(number, **values):
    """One row of a 2023 dump."""
    return {
        "rating": float(number % 5 + 1),
        "title": f"Title {number}",
        "text": f"The text of review number {number}.",
        "asin": f"B{number % 7:09d}",
        "parent_asin": f"B{number % 7:09d}",
        "user_id": f"U{number}",
        "timestamp": 1_500_000_000_000 + number * 60_000,
        "helpful_vote": number % 3,
        "verified_purchase": True,
        **values,
    }


def dump(rows):
    """JSON lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


class World:
    """A collector and its dependencies."""

    def __init__(self, dependencies):
        self.dependencies = dependencies
        self.collector = Collector(dependencies)

    @property
    def raw(self):
        return self.dependencies.raw

    def put(self, key, body):
        """Upload an object; return the arrival of its S3 event."""
        info = self.raw.put(key, body)
        return Arrival(self.raw.bucket, key, info.etag)

    def collect(self, key, body):
        """Upload and collect an object; return its report."""
        arrival = self.put(key, body)
        self.collector.collect(arrival)
        return self.report(arrival)

    def report(self, arrival):
        return self.dependencies.ledger.report(ingest_id_of(*arrival))

    def replace(self, **dependencies):
        """A copy of this world with some dependencies replaced."""
        return World(dataclasses.replace(self.dependencies, **dependencies))


@pytest.fixture
def world(database, ledger):
    return World(collection_dependencies(database, ledger=ledger, batch_rows=50))


@pytest.fixture
def make_review():
    return review


@pytest.fixture
def make_dump():
    return dump


@pytest.fixture
def assert_counts():
    """Check the sums that hold for every report; return the report."""

    def check(report):
        assert report.rows_read == report.stored + report.duplicates + report.rejected
        assert sum(report.rejects_by_reason.values()) == report.rejected
        return report

    return check
