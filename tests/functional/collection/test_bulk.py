"""A huge dump that is read in ranges ends as if one run had read it."""

import gzip
import json

import pytest

from lambdas.collection.arrivals import parse_arrivals
from lambdas.collection.bulk import plan as planning
from lambdas.collection.bulk import text
from lambdas.collection.reading import Limits, detect
from lambdas.collection.undo.worker import undo_ingest
from shared.db.ingest import undo
from shared.db.ingest.bulk import bulk_state, range_lock
from shared.errors import InvalidInputError, UnavailableError
from shared.schemas.ingest import IngestStatus
from tests.functional.collection.bulk_dumps import (
    ARCHIVES,
    FORMS,
    ROWS,
    csv_of,
    jsonl_of,
    parquet_of,
    run,
    tar,
    texts,
    zipped,
)


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch):
    monkeypatch.setattr(planning, "BATCHES_PER_RANGE", 2)
    monkeypatch.setattr(text, "PIECE_BYTES", 30_000)


@pytest.mark.parametrize("form", FORMS)
def test_ranges_store_what_one_run_stores(
    once, bulk, machine, rows_of_dump, form, content, empty_tables, assert_counts, rows
):
    arrival = once.put(f"uploads/a.{form}", FORMS[form](rows_of_dump))
    once.collector.collect(arrival)
    expected = content(once, arrival)
    records = rows("SELECT record FROM rejects UNION ALL SELECT record FROM reviews")
    empty_tables()
    for queue in ("index_queue", "processing_queue"):
        getattr(once.dependencies, queue).take()

    assert run(bulk, machine, arrival) == {"state": "collected"}
    assert sorted(machine.read) == list(range(len(machine.read)))
    assert len(machine.read) >= 5
    assert content(bulk, arrival) == expected
    report = assert_counts(bulk.report(arrival))
    assert report.status is IngestStatus.COLLECTED
    assert report.duplicates > 300
    assert report.rejected > 35
    assert report.bulk.ranges == report.bulk.ranges_stored == len(machine.read)
    assert (report.bulk.records, report.bulk.ranges_failed) == (report.rows_read, 0)
    assert 0 < report.bulk.cost_usd < 0.1
    assert any("not on the scale" in warning for warning in report.warnings)
    has_pictures = form.startswith("jsonl") or form in ARCHIVES
    assert any("pictures are not" in each for each in report.warnings) is has_pictures
    again = rows("SELECT record FROM rejects UNION ALL SELECT record FROM reviews")
    assert len(set(again)) == len(again) == len(records)
    parts = [json.loads(each)["part"] for each in bulk.dependencies.processing_queue.take()]
    assert sorted(parts) == list(range(len(parts)))
    assert not texts(bulk)


def test_a_message_changes_nothing_while_an_execution_runs(bulk, machine, rows_of_dump):
    arrival = bulk.put("uploads/a.jsonl", jsonl_of(rows_of_dump))
    for _ in range(3):
        bulk.collector.collect(arrival)
    assert len(machine.started) == 1
    assert machine.run() == [{"state": "collected"}]
    bulk.collector.collect(arrival)
    assert len(machine.started) == 1
    assert bulk.report(arrival).rows_read == ROWS + 1


def test_a_small_object_is_read_by_one_run(once, machine, rows_of_dump):
    world = once.replace(machine=machine, bulk_bytes=100 * 2**20)
    report = world.collect("uploads/a.jsonl", jsonl_of(rows_of_dump))
    assert (report.status, machine.started) == (IngestStatus.COLLECTED, [])


def test_items_that_fail_are_read_when_the_object_is_collected_again(
    once, bulk, machine, rows_of_dump, content, empty_tables, rows
):
    arrival = once.put("uploads/a.csv", csv_of(rows_of_dump))
    once.collector.collect(arrival)
    expected = content(once, arrival)
    empty_tables()

    def fail(item):
        """One item cannot be read, the other one never answers."""
        limits = Limits(max_bytes=1) if item["number"] == 1 else Limits()
        machine.world = bulk.replace(limits=limits)
        if item["number"] == 4:
            raise RuntimeError("killed")

    machine.before_read = fail
    ending = run(bulk, machine, arrival)
    assert ending["state"] == "failed"
    report = bulk.report(arrival)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "ranges_failed")
    assert report.error_detail.startswith("2 of ")
    assert 0 < report.rows_read < expected[0]["rows_read"] == report.bulk.records
    assert (report.bulk.ranges - report.bulk.ranges_stored, report.bulk.ranges_failed) == (2, 1)
    assert "object_too_large: the dump has more than 1 bytes" in report.error_detail
    assert "its attempts did not end" in report.error_detail

    machine.world, machine.before_read = bulk, lambda item: None
    machine.read.clear()
    assert run(bulk, machine, arrival) == {"state": "collected"}
    assert machine.read == [1, 4] or machine.read == [4, 1]
    assert content(bulk, arrival) == expected


@pytest.mark.parametrize(
    ("form", "compression", "is_text_lost"),
    [("csv.gz", "gzip", False), ("csv.gz", "gzip", True), ("zip", "zip", True)],
)
def test_ranges_of_a_compressed_dump_are_read_alone_from_its_text(
    bulk, machine, rows_of_dump, form, compression, is_text_lost, assert_counts
):
    arrival = bulk.put(f"uploads/a.{form}", FORMS[form](rows_of_dump))

    def fail(item):
        if item["number"] == 3:
            raise RuntimeError("killed")

    machine.before_read = fail
    assert run(bulk, machine, arrival)["state"] == "failed"
    keys = texts(bulk)
    assert len(keys) > 5
    if is_text_lost:
        bulk.dependencies.clean.delete(keys[2])
    machine.before_read = lambda item: None
    machine.read.clear()
    assert run(bulk, machine, arrival) == {"state": "collected"}
    assert machine.read == [3]
    assert not texts(bulk)
    assert assert_counts(bulk.report(arrival)).compression == compression


def test_an_item_that_is_killed_and_repeated_stores_no_batch_twice(
    once, bulk, machine, rows_of_dump, content, empty_tables
):
    arrival = once.put("uploads/a.jsonl", jsonl_of(rows_of_dump))
    once.collector.collect(arrival)
    expected = content(once, arrival)
    empty_tables()
    clean = bulk.dependencies.clean
    real, puts = clean.put, []

    def put(key, body, **conditions):
        if key.startswith("reviews/"):
            puts.append(key)
            if len(puts) in (2, 13):
                raise UnavailableError("S3 did not answer")
        return real(key, body, **conditions)

    clean.put = put
    assert run(bulk, machine, arrival) == {"state": "collected"}
    assert [name for _, name in machine.failures] == ["UnavailableError"] * 2
    assert content(bulk, arrival) == expected
    assert len(puts) == len(set(puts)) + 2


def test_a_range_that_was_planned_twice_is_read_by_both_without_harm(
    bulk, machine, rows_of_dump, assert_counts
):
    arrival = bulk.put("uploads/a.jsonl", jsonl_of(rows_of_dump))
    items = []
    machine.before_read = items.append
    run(bulk, machine, arrival)
    before = bulk.report(arrival)
    for item in items:
        machine.step(step="read", item=item)
    assert assert_counts(bulk.report(arrival)).model_dump(exclude={"bulk"}) == before.model_dump(
        exclude={"bulk"}
    )


def test_another_mapping_replaces_everything(bulk, machine, rows_of_dump, assert_counts):
    arrival = bulk.put("uploads/a.jsonl", jsonl_of(rows_of_dump))
    run(bulk, machine, arrival)
    bulk.put("uploads/a.jsonl.mapping.json", b'{"text": "title", "rating": "rating"}')
    assert run(bulk, machine, arrival) == {"state": "collected"}
    report = assert_counts(bulk.report(arrival))
    assert (report.rows_read, report.rejected) == (ROWS + 1, 0)


def test_a_run_without_the_state_machine_replaces_everything_with_another_mapping(
    once, bulk, machine, rows_of_dump, content, empty_tables
):
    mapping = b'{"text": "title", "rating": "rating"}'
    arrival = once.put("uploads/a.jsonl", jsonl_of(rows_of_dump))
    run(bulk, machine, arrival)
    once.put("uploads/a.jsonl.mapping.json", mapping)
    once.collector.collect(arrival)
    replaced = content(once, arrival)
    state = bulk_state(once.dependencies.database, once.report(arrival).ingest_id)
    assert state.ranges == 0, "a run that goes on would begin again"
    empty_tables()
    once.collector.collect(arrival)
    assert content(once, arrival) == replaced


def test_a_plan_that_needs_several_runs_is_the_same(bulk, machine, rows_of_dump):
    arrival = bulk.put("uploads/a.csv", csv_of(rows_of_dump))
    run(bulk, machine, arrival)
    ingest_id = bulk.report(arrival).ingest_id
    key = f"plans/{ingest_id}/ranges.json"
    planned = json.loads(bulk.dependencies.clean.get(key)[0])
    bulk.dependencies.clean.delete(key)
    machine.world = bulk.replace(max_run_seconds=0.0)
    job = machine.started[0][1]
    answers = []
    while not answers or answers[-1] == "planning":
        answers.append(machine.step(step="plan", job=job)["state"])
    assert len(answers) >= 5
    again = json.loads(bulk.dependencies.clean.get(key)[0])
    for plan in (planned, again):
        for each in plan["ranges"]:
            if each["mark"]:
                del each["mark"]["cpu"]
    assert again == planned


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("a.csv.gz", lambda rows: gzip.compress(csv_of(rows))[:-500], "damaged or incomplete"),
        ("a.txt", lambda rows: b"what is this", "cannot"),
        ("small.csv", lambda rows: b"text,rating\nGood,5\n", "one range"),
        ("a.zip", lambda rows: zipped(rows, **{"c.csv.gz": FORMS["csv.gz"](rows)[:-500]}), "c.csv"),
        ("a.zip", lambda rows: zipped(rows, **{"c.parquet": parquet_of(rows)}), "c.parquet"),
        ("a.zip", lambda rows: zipped(rows, **{"c.bin": bytes(range(256))}), "c.bin cannot"),
        ("a.zip", lambda rows: zipped(rows, **{"c.csv": b"text,rating\n"}), "none of the first"),
        ("a.tar", lambda rows: tar(rows)[:-20_000], "damaged"),
        ("a.parquet", lambda rows: parquet_of(rows, row_group_size=2_000), "in the middle"),
    ],
)
def test_what_cannot_be_divided_is_read_by_one_run(
    bulk, machine, rows_of_dump, name, body, reason, monkeypatch
):
    monkeypatch.setattr(detect, "MAX_ROWS_AGAIN", 1_500)
    arrival = bulk.put(f"uploads/{name}", body(rows_of_dump))
    assert run(bulk, machine, arrival)["state"] == "declined"
    for message in bulk.dependencies.collection_queue.take():
        for each in parse_arrivals(message):
            bulk.collector.collect(each)
    report = bulk.report(arrival)
    assert len(machine.started) == 1
    assert report.status in (IngestStatus.COLLECTED, IngestStatus.FAILED)
    assert (report.error_code == "format_unknown") is (name == "a.txt")
    assert not texts(bulk)
    if name != "a.txt":
        assert reason in bulk_state(bulk.dependencies.database, report.ingest_id).declined


def test_an_upload_that_is_undone_in_the_middle_is_not_read_on(bulk, machine, rows_of_dump, rows):
    arrival = bulk.put("uploads/a.jsonl", jsonl_of(rows_of_dump))
    database = bulk.dependencies.database

    def undo_at(item):
        if item["number"] == 3:
            undo.request_undo(database, bulk.report(arrival).ingest_id)

    machine.before_read = undo_at
    assert run(bulk, machine, arrival) == {"state": "undone"}
    undo.delete_rows(database, bulk.report(arrival).ingest_id)
    assert rows("SELECT bulk FROM ingests") == [(None,)]


def test_an_upload_is_undone_once_no_range_is_being_read(bulk, machine, rows_of_dump):
    arrival = bulk.put("uploads/a.jsonl", jsonl_of(rows_of_dump))
    run(bulk, machine, arrival)
    ingest_id, database = bulk.report(arrival).ingest_id, bulk.dependencies.database
    undo.request_undo(database, ingest_id)
    with (
        database.lock(range_lock(ingest_id, 1)),
        pytest.raises(UnavailableError, match="still being read"),
    ):
        undo_ingest(bulk.dependencies, ingest_id)
    undo_ingest(bulk.dependencies, ingest_id)
    state = undo.undo_state(database, ingest_id)
    assert state.status is IngestStatus.UNDONE
    assert list(bulk.dependencies.clean.list("")) == []
    assert state.undo.removed.plans == 2
    history = state.undo.later[0]
    assert "state machine" in history.what
    assert 89 <= (history.until - state.undo.undone_at).days <= 91

    # the same bytes again are the same ingest, and no name of an execution is used twice
    arrival = bulk.put("uploads/a.jsonl", jsonl_of(rows_of_dump))
    assert run(bulk, machine, arrival) == {"state": "collected"}
    assert bulk.report(arrival).ingest_id == ingest_id


def test_items_quote_nothing_of_the_dump(bulk, machine, rows_of_dump):
    """Step Functions keeps them for 90 days."""
    arrival = bulk.put("uploads/a.csv", csv_of(rows_of_dump))
    items = []
    machine.before_read = items.append
    run(bulk, machine, arrival)
    job = {"ingest_id": bulk.report(arrival).ingest_id, "key": arrival.key, "etag": arrival.etag}
    plan = bulk_state(bulk.dependencies.database, job["ingest_id"]).plan
    numbers = range(len(items))
    assert sorted(items, key=lambda each: each["number"]) == [
        {"job": job, "plan": plan, "number": number} for number in numbers
    ]


@pytest.mark.parametrize(
    "event",
    [{"step": "plan"}, {"step": "stop"}, {"step": "read", "item": {"plan": 1}}, {"step": None}],
)
def test_an_event_that_is_no_step_is_refused(bulk, machine, event):
    with pytest.raises(InvalidInputError):
        machine.step(**event)
