"""A collector with a real database, and buckets and queues in memory."""

import dataclasses
import json
import random

import pytest

from lambdas.collection.arrivals import Arrival
from lambdas.collection.service import Collector
from lambdas.review_pictures.embedder import Embedder
from lambdas.review_pictures.rate import HostRate
from lambdas.review_pictures.service import PictureWorker
from shared.schemas.ingest import ingest_id_of
from tests.fakes.dependencies import collection_dependencies
from tests.fakes.machines import MemoryMachine
from tests.fakes.queues import MemoryQueue
from tests.functional.collection.bulk_dumps import BATCH_ROWS, ROWS
from tests.functional.collection.pictured import HOSTS, Encoder, Reader


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


@pytest.fixture
def pictured(world):
    """The world of collection, with pictures switched on."""
    return world.replace(picture_queue=MemoryQueue(), max_ingest_pictures=100)


@pytest.fixture
def encoder():
    return Encoder()


@pytest.fixture
def worker(pictured, encoder):
    return PictureWorker(
        artefacts=pictured.dependencies.artefacts,
        reports=MemoryQueue(),
        reader=Reader(),
        embedder=lambda: Embedder("m1", encoder.encode),
        hosts=HOSTS,
        rate=HostRate(1000),
    )


@pytest.fixture
def rows_of_dump(make_review):
    """Some rows are duplicates, of their own range and of others; some are rejected."""
    numbers = [n % 3_600 for n in range(ROWS)]
    random.Random(3).shuffle(numbers)
    ratings = {n: 9 if n % 500 == 499 else n % 5 + 1 for n in range(ROWS)}
    return [
        make_review(
            n,
            text="" if n % 97 == 5 else f"Text {n}.",
            rating=ratings[n],
            images=[f"picture {n}"] if n % 700 == 11 else [],
        )
        for n in numbers
    ]


@pytest.fixture
def once(world):
    """A world in which one run reads everything."""
    return world.replace(batch_rows=BATCH_ROWS)


@pytest.fixture
def machine():
    return MemoryMachine()


@pytest.fixture
def bulk(once, machine):
    """A world in which the state machine reads everything."""
    machine.world = once.replace(machine=machine, bulk_bytes=1, memory_gb=2.0)
    return machine.world


@pytest.fixture
def content(rows):
    """What is stored of an ingest; not which of several equal rows is the stored one."""

    def read(world, arrival):
        report = world.report(arrival)
        return (
            report.model_dump(exclude={"started_at", "finished_at", "bulk"}),
            rows("SELECT review_id, product_id, text, rating, reviewed_at FROM reviews ORDER BY 1"),
            rows("SELECT line, record, reason, raw FROM rejects ORDER BY record"),
            rows("SELECT part, fingerprint, accepted, rejected FROM shards ORDER BY part"),
        )

    return read
