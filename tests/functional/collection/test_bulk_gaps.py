"""Ranges of a huge dump of which some failed: records no longer tell the batch of a row."""

import pytest

from lambdas.collection.bulk import plan as planning
from lambdas.collection.exclude import requests, worker
from shared.db.ingest.adoption import unanalysed_shards
from shared.schemas.ingest import IngestStatus
from tests.fakes.machines import MemoryMachine

ROWS, BATCH_ROWS = 3_000, 100
RECORD, PART = 2_250, 22
"""Of a row in the first range after a gap; the first 2,000 records are one range."""
_ANALYSE = """
INSERT INTO analyses (review_id, model_version, sentiment, confidence, negative, neutral, positive)
SELECT review_id, 'm', 'positive', 1, 0, 0, 1 FROM reviews WHERE record NOT BETWEEN 2201 AND 2300
RETURNING 1
"""


def fail(item):
    if item["number"] in (1, 3):
        raise RuntimeError("killed")


@pytest.fixture
def bulk(world, monkeypatch):
    """A world whose state machine has read all but two ranges of 200 records."""
    monkeypatch.setattr(planning, "BATCHES_PER_RANGE", 2)
    machine = MemoryMachine()
    machine.before_read = fail
    machine.world = world.replace(batch_rows=BATCH_ROWS, machine=machine, bulk_bytes=1)
    return machine.world


@pytest.fixture
def arrival(bulk, make_review, make_dump):
    arrival = bulk.put("uploads/a.jsonl", make_dump(make_review(n) for n in range(ROWS)))
    bulk.collector.collect(arrival)
    (ending,) = bulk.dependencies.machine.run()
    assert ending["state"] == "failed"
    return arrival


def test_a_model_that_lacks_a_batch_is_not_taken_for_one_that_lacks_another(bulk, arrival, rows):
    rows("UPDATE shards SET model_version = 'm' RETURNING 1")
    rows(_ANALYSE)
    with bulk.dependencies.database.transaction() as connection:
        assert [message.part for message in unanalysed_shards(connection, "m")] == [PART]


def test_an_excluded_reviewer_is_removed_from_the_batch_that_has_the_rows(
    bulk, arrival, rows, assert_counts
):
    dependencies = bulk.dependencies
    exclusion = requests.exclude_reviewer(dependencies, f"U{RECORD - 1}")
    worker.remove_excluded(dependencies, exclusion.exclusion_id)
    assert rows(f"SELECT count(*) FROM reviews WHERE record = {RECORD}") == [(0,)]
    assert rows("SELECT part, accepted, rejected FROM shards WHERE rejected > 0") == [(PART, 99, 1)]

    dependencies.machine.before_read = lambda item: None
    bulk.collector.collect(arrival)
    assert dependencies.machine.run() == [{"state": "collected"}]
    report = assert_counts(bulk.report(arrival))
    assert report.status is IngestStatus.COLLECTED
    assert report.rejects_by_reason == {"excluded": 1}
