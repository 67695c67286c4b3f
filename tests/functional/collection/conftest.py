"""A collector on the real database, with buckets and queues in memory."""

import json
from dataclasses import replace

import pytest

from lambdas.collection.arrivals import Arrival
from lambdas.collection.dependencies import Dependencies
from lambdas.collection.service import Collector
from shared.schemas.ingest import ingest_id_of
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue


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
    """Everything around one collector."""

    def __init__(self, dependencies):
        self.ports = dependencies
        self.collector = Collector(dependencies)

    @property
    def raw(self):
        return self.ports.raw

    def put(self, key, body):
        """Upload; gives the arrival that S3 would tell of."""
        info = self.raw.put(key, body)
        return Arrival(self.raw.bucket, key, info.etag)

    def collect(self, key, body):
        """Upload and collect; gives the report."""
        arrival = self.put(key, body)
        self.collector.collect(arrival)
        return self.report(arrival)

    def report(self, arrival):
        return self.ports.ledger.report(ingest_id_of(*arrival))

    def having(self, **ports):
        """The same world with other ports."""
        return World(replace(self.ports, **ports))


@pytest.fixture
def world(database, ledger):
    return World(
        Dependencies(
            database=database,
            ledger=ledger,
            raw=MemoryStore("raw"),
            clean=MemoryStore("clean"),
            artefacts=MemoryStore("artefacts"),
            collection_queue=MemoryQueue(),
            processing_queue=MemoryQueue(),
            index_queue=MemoryQueue(),
            reviewer_key=b"k" * 32,
            batch_rows=50,
        )
    )


@pytest.fixture
def make_review():
    return review


@pytest.fixture
def make_dump():
    return dump


@pytest.fixture
def adds_up():
    """Checks the sum that must hold for every report."""

    def check(report):
        assert report.rows_read == report.stored + report.duplicates + report.rejected
        assert sum(report.rejects_by_reason.values()) == report.rejected
        return report

    return check
