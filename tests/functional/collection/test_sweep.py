"""The sweep queues lost work again and leaves work in progress alone."""

import pytest

from lambdas.collection.arrivals import parse_arrivals
from lambdas.collection.sweep import sweep
from shared.db.ingest.shards import mark_processed
from shared.db.insights.rollups import is_behind
from shared.errors import UnavailableError
from shared.schemas.messages import ProcessShard
from tests.corpus import publish_manifest_only


@pytest.fixture
def age_ledger(database):
    """Make all ledger rows older by some seconds."""

    def by(seconds):
        with database.transaction() as connection:
            for table in ("ingests", "shards"):
                connection.execute(
                    f"UPDATE {table} SET updated_at = updated_at - make_interval(secs => %s)",
                    (seconds,),
                )

    return by


def process(world, message):
    with world.dependencies.database.transaction() as connection:
        mark_processed(connection, message, "m1")


def test_a_lost_event_is_queued_again(world, make_review, make_dump):
    world.put("uploads/a", make_dump([make_review(1)]))
    assert sweep(world.dependencies) == (1, 0, False)
    (body,) = world.dependencies.collection_queue.take()
    (arrival,) = parse_arrivals(body)
    world.collector.collect(arrival)
    assert world.report(arrival).stored == 1


def test_recently_queued_or_active_ingests_are_left_alone(
    world, make_review, make_dump, age_ledger
):
    arrival = world.put("uploads/a", make_dump([make_review(1)]))
    sweep(world.dependencies)
    assert sweep(world.dependencies).ingests == 0
    age_ledger(121)
    assert sweep(world.dependencies).ingests == 1
    world.dependencies.ledger.start(world.report(arrival).ingest_id)
    assert sweep(world.dependencies).ingests == 0
    assert sweep(world.dependencies, force=True).ingests == 1


def test_failed_and_finished_ingests_are_not_queued(world, make_review, make_dump, age_ledger):
    world.collect("uploads/a", make_dump([make_review(1)]))
    world.collect("uploads/b", b"")
    age_ledger(10_000)
    assert sweep(world.dependencies, force=True).ingests == 0


def test_an_open_shard_is_queued_again_when_all_workers_are_idle(
    world, make_review, make_dump, age_ledger
):
    world.collect("uploads/a", make_dump(make_review(n) for n in range(120)))
    sent = world.dependencies.processing_queue.take()
    assert sweep(world.dependencies).shards == 0
    age_ledger(121)
    process(world, ProcessShard.model_validate_json(sent[0]))
    # a worker is active: the other shards may still be waiting
    assert sweep(world.dependencies).shards == 0
    age_ledger(121)
    assert sweep(world.dependencies) == (0, 2, False)
    assert world.dependencies.processing_queue.take() == sent[1:]
    # queueing counts as a heartbeat
    assert sweep(world.dependencies).shards == 0


def test_under_load_a_lost_shard_is_queued_again_after_an_hour(
    world, make_review, make_dump, age_ledger
):
    world.collect("uploads/a", make_dump(make_review(n) for n in range(60)))
    age_ledger(3601)
    world.collect("uploads/b", make_dump([make_review(500)]))
    assert sweep(world.dependencies).shards == 2


def test_an_index_build_is_requested_when_all_shards_are_processed(world, make_review, make_dump):
    assert sweep(world.dependencies).index_requested is False
    world.collect("uploads/a", make_dump(make_review(n) for n in range(60)))
    for body in world.dependencies.processing_queue.take():
        process(world, ProcessShard.model_validate_json(body))
    assert sweep(world.dependencies) == (0, 0, True)
    assert len(world.dependencies.index_queue.take()) == 1


def test_a_new_model_reprocesses_every_shard(world, make_review, make_dump, age_ledger):
    report = world.collect("uploads/a", make_dump(make_review(n) for n in range(120)))
    sent = [
        ProcessShard.model_validate_json(body)
        for body in world.dependencies.processing_queue.take()
    ]
    publish_manifest_only(world.dependencies.artefacts, "m1", 8)
    for message in sent:
        process(world, message)
    age_ledger(3601)
    assert sweep(world.dependencies).shards == 0
    publish_manifest_only(world.dependencies.artefacts, "m2", 8)
    assert sweep(world.dependencies) == (0, 3, False)
    again = [
        ProcessShard.model_validate_json(body)
        for body in world.dependencies.processing_queue.take()
    ]
    assert again == sent
    opened = world.dependencies.ledger.report(report.ingest_id)
    assert (opened.status, opened.shards_processed, opened.stored) == ("collected", 0, 120)
    assert sweep(world.dependencies).shards == 0, "already queued"


def test_recently_processed_shards_are_reopened_only_by_force(world, make_review, make_dump):
    world.collect("uploads/a", make_dump([make_review(1)]))
    (body,) = world.dependencies.processing_queue.take()
    process(world, ProcessShard.model_validate_json(body))
    publish_manifest_only(world.dependencies.artefacts, "m2", 8)
    assert sweep(world.dependencies).shards == 0
    assert sweep(world.dependencies, force=True).shards == 1


def test_an_unreadable_model_pointer_does_not_stop_the_sweep(world, make_review, make_dump):
    world.put("uploads/a", make_dump([make_review(1)]))
    world.dependencies.artefacts.put("pointers/model.json", b"no json")
    assert sweep(world.dependencies).ingests == 1


def test_a_key_with_a_nul_is_skipped(world, make_review, make_dump):
    world.put("uploads/a\0b", make_dump([make_review(1)]))
    world.put("uploads/b", make_dump([make_review(1)]))
    assert sweep(world.dependencies).ingests == 1


def test_outdated_rollups_are_refreshed(world, make_review, make_dump, rows):
    world.collect("uploads/a", make_dump([make_review(n) for n in range(3)]))
    assert is_behind(world.dependencies.database)
    sweep(world.dependencies)
    assert not is_behind(world.dependencies.database)
    assert rows("SELECT sum(reviews) FROM segment_days WHERE segment = 'all'") == [(3,)]


@pytest.fixture
def broken():
    """A queue or bucket whose methods all fail."""

    class Broken:
        bucket = "raw"

        def __getattr__(self, name):
            raise UnavailableError("down")

    return Broken()


def test_a_failing_step_does_not_stop_the_others_and_is_raised(
    world, make_review, make_dump, age_ledger, broken
):
    world.collect("uploads/a", make_dump(make_review(n) for n in range(60)))
    age_ledger(3601)
    world.dependencies.processing_queue.take()
    with pytest.raises(UnavailableError):
        sweep(world.replace(raw=broken).dependencies)
    sent = world.dependencies.processing_queue.take()
    assert len(sent) == 2
    for body in sent:
        process(world, ProcessShard.model_validate_json(body))
    age_ledger(3601)
    publish_manifest_only(world.dependencies.artefacts, "m1", 8)
    with pytest.raises(UnavailableError):
        sweep(world.replace(raw=broken, artefacts=broken).dependencies)
    assert len(world.dependencies.index_queue.take()) == 1
    world.put("uploads/b", make_dump([make_review(1)]))
    with pytest.raises(UnavailableError):
        sweep(world.replace(processing_queue=broken, index_queue=broken).dependencies)
    assert len(world.dependencies.collection_queue.take()) == 1
