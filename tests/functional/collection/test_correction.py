"""A wrong mapping is corrected by collecting the same object with another one."""

import json

import pytest

from lambdas.collection.arrivals import parse_arrivals
from lambdas.collection.queueing import queue_object
from shared.errors import InvalidInputError, NotFoundError
from shared.schemas.ingest import IngestStatus

KEY = "uploads/shop.csv"
WRONG = {"text": "heading", "rating": "grade"}
RIGHT = {"text": "opinion", "rating": "grade"}
BODY = b"heading,opinion,grade\n" + b"".join(
    b"heading %d,%s,%d\n" % (n, b"opinion %d" % n if n % 10 else b"", n % 5 + 1) for n in range(120)
)


def collect_queued(world):
    """Collect what is queued, as the worker does; return the number of objects."""
    bodies = [
        each if isinstance(each, str) else each.model_dump_json()
        for each in world.dependencies.collection_queue.take()
    ]
    arrivals = [arrival for body in bodies for arrival in parse_arrivals(body)]
    for arrival in arrivals:
        world.collector.collect(arrival)
    return len(arrivals)


@pytest.fixture
def collected(world):
    """The arrival of an object that was collected with the wrong mapping."""
    world.raw.put(f"{KEY}.mapping.json", json.dumps(WRONG).encode())
    arrival = world.put(KEY, BODY)
    world.collector.collect(arrival)
    return arrival


def test_another_mapping_replaces_what_the_first_one_stored(world, collected, rows, assert_counts):
    first = assert_counts(world.report(collected))
    assert (first.stored, first.details["mapping"]) == (120, WRONG)
    assert queue_object(world.dependencies, KEY, RIGHT) == [first.ingest_id]
    assert world.report(collected).status is IngestStatus.RECEIVED
    assert collect_queued(world) == 1
    report = assert_counts(world.report(collected))
    assert (report.rows_read, report.stored, report.rejected) == (120, 108, 12)
    assert (report.ingest_id, report.details["mapping"]) == (first.ingest_id, RIGHT)
    assert rows("SELECT count(*) FROM reviews") == [(108,)]
    assert rows("SELECT count(*) FROM reviews WHERE text LIKE 'heading%%'") == [(0,)]


def test_the_corrected_rows_are_processed_again(world, collected):
    world.dependencies.processing_queue.take()
    queue_object(world.dependencies, KEY, RIGHT)
    collect_queued(world)
    report = world.report(collected)
    assert (report.status, report.shards_processed) == (IngestStatus.COLLECTED, 0)
    assert len(world.dependencies.processing_queue.take()) == report.shards


def test_the_same_mapping_again_changes_nothing(world, collected):
    before = world.report(collected)
    assert queue_object(world.dependencies, KEY, WRONG) == []
    assert collect_queued(world) == 0
    assert world.report(collected) == before


def test_a_mapping_that_is_stored_beside_the_object_later_is_applied(world, collected):
    world.raw.put(f"{KEY}.mapping.json", json.dumps(RIGHT).encode())
    assert queue_object(world.dependencies, KEY, None)
    collect_queued(world)
    assert world.report(collected).stored == 108


def test_a_mapping_that_arrives_while_the_object_is_read_is_applied(world, collected):
    """The message of the correction is repeated until the first reading has ended."""
    world.dependencies.ledger.start(world.report(collected).ingest_id)
    assert queue_object(world.dependencies, KEY, RIGHT)
    assert world.report(collected).status is IngestStatus.COLLECTING
    world.dependencies.ledger.finish(world.report(collected).ingest_id)
    assert collect_queued(world) == 1
    assert world.report(collected).stored == 108


def test_a_wrong_column_keeps_the_rows_and_can_be_corrected(world, collected, rows):
    queue_object(world.dependencies, KEY, {"text": "nope"})
    collect_queued(world)
    report = world.report(collected)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "mapping_invalid")
    assert rows("SELECT count(*) FROM reviews") == [(120,)]
    queue_object(world.dependencies, KEY, RIGHT)
    collect_queued(world)
    assert rows("SELECT count(*) FROM reviews") == [(108,)]


def test_an_unknown_object_and_a_key_outside_uploads_are_refused(world):
    with pytest.raises(NotFoundError):
        queue_object(world.dependencies, "uploads/none.csv", RIGHT)
    for key in ("elsewhere/a.csv", "uploads/mapping.json", "uploads/folder/"):
        with pytest.raises(InvalidInputError):
            queue_object(world.dependencies, key, RIGHT)
