"""What an event was lost for is found again; what is being worked on is left alone."""

import pytest

from lambdas.collection.arrivals import arrivals_of
from lambdas.collection.sweep import sweep
from shared.db.ingest.shards import mark_processed
from shared.db.insights.rollups import is_behind
from shared.errors import UnavailableError
from shared.schemas.messages import ProcessShard
from tests.corpus import publish_manifest_only


@pytest.fixture
def age(database):
    """Makes everything as old as so many seconds."""

    def by(seconds):
        with database.transaction() as connection:
            for table in ("ingests", "shards"):
                connection.execute(
                    f"UPDATE {table} SET updated_at = updated_at - make_interval(secs => %s)",
                    (seconds,),
                )

    return by


def process(world, message):
    with world.ports.database.transaction() as connection:
        mark_processed(connection, message, "m1")


def test_a_lost_event_is_mended(world, make_review, make_dump):
    world.put("uploads/a", make_dump([make_review(1)]))
    assert sweep(world.ports) == (1, 0, False)
    (body,) = world.ports.collection_queue.take()
    (arrival,) = arrivals_of(body)
    world.collector.collect(arrival)
    assert world.report(arrival).stored == 1


def test_what_was_just_queued_or_is_being_read_is_left_alone(world, make_review, make_dump, age):
    arrival = world.put("uploads/a", make_dump([make_review(1)]))
    sweep(world.ports)
    assert sweep(world.ports).ingests == 0
    age(121)
    assert sweep(world.ports).ingests == 1
    world.ports.ledger.start(world.report(arrival).ingest_id)
    assert sweep(world.ports).ingests == 0
    assert sweep(world.ports, force=True).ingests == 1


def test_failed_and_finished_ones_are_not_queued(world, make_review, make_dump, age):
    world.collect("uploads/a", make_dump([make_review(1)]))
    world.collect("uploads/b", b"")
    age(10_000)
    assert sweep(world.ports, force=True).ingests == 0


def test_an_open_shard_is_queued_again_once_nobody_works(world, make_review, make_dump, age):
    world.collect("uploads/a", make_dump(make_review(n) for n in range(120)))
    sent = world.ports.processing_queue.take()
    assert sweep(world.ports).shards == 0
    age(121)
    process(world, ProcessShard.model_validate_json(sent[0]))
    # somebody is at work: the others may wait for their turn
    assert sweep(world.ports).shards == 0
    age(121)
    assert sweep(world.ports) == (0, 2, False)
    assert world.ports.processing_queue.take() == sent[1:]
    # queued again counts as a sign of life
    assert sweep(world.ports).shards == 0


def test_under_load_a_lost_shard_comes_back_after_an_hour(world, make_review, make_dump, age):
    world.collect("uploads/a", make_dump(make_review(n) for n in range(60)))
    age(3601)
    world.collect("uploads/b", make_dump([make_review(500)]))
    assert sweep(world.ports).shards == 2


def test_once_all_is_processed_a_lost_index_build_is_asked_for_again(world, make_review, make_dump):
    assert sweep(world.ports).index_asked is False
    world.collect("uploads/a", make_dump(make_review(n) for n in range(60)))
    for body in world.ports.processing_queue.take():
        process(world, ProcessShard.model_validate_json(body))
    assert sweep(world.ports) == (0, 0, True)
    assert len(world.ports.index_queue.take()) == 1


def test_a_new_model_processes_every_shard_again(world, make_review, make_dump, age):
    report = world.collect("uploads/a", make_dump(make_review(n) for n in range(120)))
    sent = [ProcessShard.model_validate_json(body) for body in world.ports.processing_queue.take()]
    publish_manifest_only(world.ports.artefacts, "m1", 8)
    for message in sent:
        process(world, message)
    age(3601)
    assert sweep(world.ports).shards == 0
    publish_manifest_only(world.ports.artefacts, "m2", 8)
    assert sweep(world.ports) == (0, 3, False)
    again = [ProcessShard.model_validate_json(body) for body in world.ports.processing_queue.take()]
    assert again == sent
    opened = world.ports.ledger.report(report.ingest_id)
    assert (opened.status, opened.shards_processed, opened.stored) == ("collected", 0, 120)
    assert sweep(world.ports).shards == 0, "they are queued already"


def test_shards_of_the_last_hour_are_left_to_their_model_but_for_a_start(
    world, make_review, make_dump
):
    world.collect("uploads/a", make_dump([make_review(1)]))
    (body,) = world.ports.processing_queue.take()
    process(world, ProcessShard.model_validate_json(body))
    publish_manifest_only(world.ports.artefacts, "m2", 8)
    assert sweep(world.ports).shards == 0
    assert sweep(world.ports, force=True).shards == 1


def test_without_a_readable_model_pointer_the_rest_is_swept(world, make_review, make_dump):
    world.put("uploads/a", make_dump([make_review(1)]))
    world.ports.artefacts.put("pointers/model.json", b"no json")
    assert sweep(world.ports).ingests == 1


def test_a_key_that_no_ledger_can_hold_is_left_out(world, make_review, make_dump):
    world.put("uploads/a\0b", make_dump([make_review(1)]))
    world.put("uploads/b", make_dump([make_review(1)]))
    assert sweep(world.ports).ingests == 1


def test_figures_that_nobody_brought_up_to_date_are_swept(world, make_review, make_dump, rows):
    world.collect("uploads/a", make_dump([make_review(n) for n in range(3)]))
    assert is_behind(world.ports.database)
    sweep(world.ports)
    assert not is_behind(world.ports.database)
    assert rows("SELECT sum(reviews) FROM segment_days WHERE segment = 'all'") == [(3,)]


@pytest.fixture
def broken():
    """A queue or bucket of which every use fails."""

    class Broken:
        bucket = "raw"

        def __getattr__(self, name):
            raise UnavailableError("down")

    return Broken()


def test_a_part_that_fails_leaves_the_others_at_work_and_is_told(
    world, make_review, make_dump, age, broken
):
    world.collect("uploads/a", make_dump(make_review(n) for n in range(60)))
    age(3601)
    world.ports.processing_queue.take()
    with pytest.raises(UnavailableError):
        sweep(world.having(raw=broken).ports)
    sent = world.ports.processing_queue.take()
    assert len(sent) == 2
    for body in sent:
        process(world, ProcessShard.model_validate_json(body))
    age(3601)
    publish_manifest_only(world.ports.artefacts, "m1", 8)
    with pytest.raises(UnavailableError):
        sweep(world.having(raw=broken, artefacts=broken).ports)
    assert len(world.ports.index_queue.take()) == 1
    world.put("uploads/b", make_dump([make_review(1)]))
    with pytest.raises(UnavailableError):
        sweep(world.having(processing_queue=broken, index_queue=broken).ports)
    assert len(world.ports.collection_queue.take()) == 1
