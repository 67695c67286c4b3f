"""Each end of an ingest is announced once, whoever reaches it and whatever is repeated."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.collection.service import Collector
from lambdas.collection.sweep import sweep
from lambdas.collection.undo.requests import request_undo
from lambdas.collection.undo.worker import undo_ingest
from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from shared.db.ingest import announcements
from shared.errors import UnavailableError
from shared.schemas.messages import ProcessShard
from tests.fakes.dependencies import processing_dependencies
from tests.fakes.encoder import WordEncoder
from tests.fakes.events import MemoryBus


@pytest.fixture
def bus():
    return MemoryBus()


@pytest.fixture
def world(world, bus):
    return world.replace(events=bus)


@pytest.fixture
def process(world, bus):
    """Process all queued shards; each message comes twice."""
    own = world.dependencies

    def run(version="m1"):
        dependencies = processing_dependencies(
            own.database,
            lambda: Model(WordEncoder(), version),
            ledger=own.ledger,
            clean=own.clean,
            artefacts=own.artefacts,
            events=bus,
        )
        for body in [*own.processing_queue.take()] * 2:
            Processor(dependencies).process(ProcessShard.model_validate_json(body))

    return run


def test_a_processed_ingest_is_announced_once_with_its_counts(
    world, bus, process, make_review, make_dump
):
    rows = [*(make_review(n) for n in range(120)), make_review(5), make_review(1, text=None)]
    arrival = world.put("uploads/a.jsonl", make_dump(rows))
    world.collector.collect(arrival)
    assert bus.details == []
    process()
    world.collector.collect(arrival)
    sweep(world.dependencies, force=True)
    report = world.report(arrival)
    expected = {
        "version": 1,
        "ingest_id": report.ingest_id,
        "bucket": "raw",
        "key": "uploads/a.jsonl",
        "status": "processed",
        "rows_read": 122,
        "stored": 120,
        "duplicates": 1,
        "rejected": 1,
        "shards": 3,
        "shards_failed": 0,
        "error_code": None,
    }
    ((kind, detail),) = bus.details
    assert kind == "Ingest Finished"
    assert detail.pop("finished_at") == report.finished_at.isoformat().replace("+00:00", "Z")
    assert detail == expected


def test_an_object_that_cannot_be_read_is_announced_as_failed(world, bus):
    arrival = world.put("uploads/a.parquet", b"PAR1 and nothing else")
    world.collector.collect(arrival)
    sweep(world.dependencies, force=True)
    ((_, detail),) = bus.details
    assert (detail["status"], detail["error_code"]) == ("failed", world.report(arrival).error_code)
    assert "error_detail" not in detail


def test_a_new_reading_that_was_asked_for_is_announced_again(
    world, bus, process, make_review, make_dump
):
    arrival = world.put("uploads/a.jsonl", make_dump([make_review(1)]))
    world.collector.collect(arrival)
    process()
    assert bus.take() == ["processed"]
    ingest_id = world.report(arrival).ingest_id
    assert world.dependencies.ledger.request_reading(ingest_id, {"text": "title"})
    world.raw.put("uploads/a.jsonl.mapping.json", b'{"text": "title"}')
    world.collector.collect(arrival)
    process()
    assert bus.take() == ["processed"]


def test_processing_by_another_model_is_no_news(world, bus, process, make_review, make_dump):
    arrival = world.put("uploads/a.jsonl", make_dump([make_review(1)]))
    world.collector.collect(arrival)
    process()
    assert bus.take() == ["processed"]
    shards = world.dependencies.ledger.reopen("m2", 0.0)
    world.dependencies.processing_queue.send(shards)
    process("m2")
    assert world.report(arrival).status == "processed"
    assert bus.take() == []


def test_an_undone_upload_is_announced_and_so_is_its_next_upload(
    world, bus, process, make_review, make_dump
):
    body = make_dump([make_review(1)])
    arrival = world.put("uploads/a.jsonl", body)
    world.collector.collect(arrival)
    process()
    assert bus.take() == ["processed"]
    ingest_id = world.report(arrival).ingest_id
    request_undo(world.dependencies, ingest_id)
    undo_ingest(world.dependencies, ingest_id)
    undo_ingest(world.dependencies, ingest_id)
    assert bus.take() == ["undone"]
    world.collector.collect(world.put("uploads/a.jsonl", body))
    process()
    assert bus.take() == ["processed"]


def test_a_bus_that_does_not_answer_delays_the_event_and_not_the_work(
    world, bus, process, make_review, make_dump
):
    bus.down = True
    arrival = world.put("uploads/a.jsonl", make_dump([make_review(1)]))
    world.collector.collect(arrival)
    process()
    assert world.report(arrival).status == "processed"
    bus.down = False
    sweep(world.dependencies)
    sweep(world.dependencies)
    assert bus.take() == ["processed"]


def test_workers_that_end_at_once_announce_once(world, bus, process, make_review, make_dump):
    bus.down = True
    arrival = world.put("uploads/a.jsonl", make_dump([make_review(1)]))
    world.collector.collect(arrival)
    process()
    bus.down = False
    own, ingest_id = world.dependencies, world.report(arrival).ingest_id
    with ThreadPoolExecutor(4) as pool:
        sent = list(
            pool.map(
                lambda _: announcements.announce(own.database, own.ledger, bus, ingest_id),
                range(8),
            )
        )
    assert sent.count(True) == 1
    assert bus.take() == ["processed"]


def after_each_event(monkeypatch, bus, then):
    """Do something when the bus has an event, before the sender knows."""
    put = bus.put

    def put_then(kind, detail):
        put(kind, detail)
        then(detail)

    monkeypatch.setattr(bus, "put", put_then)


def test_an_end_that_comes_while_another_one_is_sent_is_announced_too(
    world, bus, process, make_review, make_dump, monkeypatch
):
    arrival = world.put("uploads/a.jsonl", make_dump([make_review(1)]))
    world.collector.collect(arrival)

    def end_again(detail):
        if detail.status == "processed":
            world.dependencies.ledger.fail(detail.ingest_id, "no_progress", "a later end")

    after_each_event(monkeypatch, bus, end_again)
    process()
    sweep(world.dependencies)
    assert bus.take() == ["processed", "failed"]


def test_a_failure_that_the_queue_repeats_is_announced_once(world, bus, make_review, make_dump):
    arrival = world.put("uploads/a.jsonl", make_dump([make_review(1)]))
    ledger = world.dependencies.ledger
    ingest_id = ledger.receive(*arrival)
    for _ in range(3):
        ledger.start(ingest_id)
        ledger.fail(ingest_id, "internal_error", "KeyError")
        announcements.announce_due(world.dependencies.database, ledger, bus)
    assert bus.take() == ["failed"]


def test_nothing_is_lost_if_the_ledger_does_not_answer_after_the_event(
    world, bus, process, make_review, make_dump, monkeypatch
):
    arrival = world.put("uploads/a.jsonl", make_dump([make_review(1)]))
    world.collector.collect(arrival)

    def lose_the_answer(_detail):
        raise UnavailableError("the answer was lost")

    after_each_event(monkeypatch, bus, lose_the_answer)
    process()
    monkeypatch.undo()
    (first,) = {detail["finished_at"] for _, detail in bus.details}
    sweep(world.dependencies)
    assert {detail["finished_at"] for _, detail in bus.details} == {first}
    assert len(bus.details) >= 2


def test_the_collector_is_built_without_a_bus(world, make_review, make_dump, caplog):
    caplog.set_level("INFO")
    arrival = world.put("uploads/a.jsonl", make_dump([make_review(1, text=None)]))
    Collector(world.replace(events=None).dependencies).collect(arrival)
    lines = [record for record in caplog.records if " ended: failed" in record.message]
    (line,) = lines
    assert (line.status, line.rejected, line.key) == ("failed", 1, "uploads/a.jsonl")
