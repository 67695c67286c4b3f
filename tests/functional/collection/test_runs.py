"""A dump that needs more than one run ends as if one had sufficed; no row is read twice."""

import gzip
import io
import json
import logging
import zipfile

import pytest

from lambdas.collection.arrivals import parse_arrivals
from shared.db.ingest import undo
from shared.errors import UnavailableError
from shared.schemas.ingest import IngestStatus
from tests.fakes.objects import MemoryStore

ROWS = 6_000
BATCH_ROWS = 250


def csv_of(body):
    texts = [json.loads(line)["text"] for line in body.splitlines()]
    return "text,rating\n" + "".join(
        f'"{text}\nAnd that is all.",4\n' if text else ",4\n" for text in texts
    )


FORMS = {"jsonl": bytes, "jsonl.gz": gzip.compress, "csv": lambda body: csv_of(body).encode()}


@pytest.fixture
def once(world):
    """A world in which one run reads everything."""
    return world.replace(batch_rows=BATCH_ROWS)


@pytest.fixture
def short(once):
    """A world in which each run ends as soon as the next one can go on."""
    return once.replace(max_run_seconds=0.0)


@pytest.fixture
def body(make_review, make_dump):
    """Some rows are duplicates, some are rejected."""
    texts = ("" if n % 97 == 5 else f"Text {n % 5_500}." for n in range(ROWS))
    return make_dump(make_review(n % 5_500, text=text) for n, text in enumerate(texts))


def next_run(world):
    """Deliver the messages of the queue; returns whether there was one."""
    bodies = world.dependencies.collection_queue.take()
    for message in bodies:
        for arrival in parse_arrivals(message):
            world.collector.collect(arrival)
    return bool(bodies)


def finish(world, arrival):
    """Collect an object in as many runs as it takes; return their number."""
    world.collector.collect(arrival)
    runs = 1
    while next_run(world):
        runs += 1
    return runs


@pytest.fixture
def rows_read(caplog):
    """How many rows were read since the last call."""
    caplog.set_level(logging.DEBUG, "lambdas.collection")

    def count():
        read = sum(record.rows for record in caplog.records if record.message == "batch read")
        caplog.clear()
        return read

    return count


@pytest.fixture
def content(rows):
    """What is stored of an ingest, without times."""

    def read(world, arrival):
        report = world.report(arrival)
        return (
            report.model_dump(exclude={"started_at", "finished_at"}),
            rows("SELECT review_id, record, product_id, text, rating FROM reviews ORDER BY 1"),
            rows("SELECT line, record, reason, raw FROM rejects ORDER BY record"),
            rows("SELECT part, fingerprint, accepted, rejected, rows FROM shards ORDER BY part"),
        )

    return read


@pytest.mark.parametrize("form", FORMS)
def test_many_runs_read_each_row_once_and_store_what_one_run_stores(
    once, short, body, form, rows_read, content, empty_tables, assert_counts
):
    arrival = once.put(f"uploads/a.{form}", FORMS[form](body))
    once.collector.collect(arrival)
    expected = content(once, arrival)
    empty_tables()
    rows_read()

    assert finish(short, arrival) >= 16
    assert ROWS <= rows_read() <= ROWS * 1.05
    assert_counts(short.report(arrival))
    assert content(short, arrival) == expected
    assert expected[0]["status"] is IngestStatus.COLLECTED
    assert expected[0]["duplicates"] > 400
    assert expected[0]["rejected"] > 50


def test_a_run_that_fails_in_the_middle_is_continued(once, body, rows_read, assert_counts):
    class FailingStore(MemoryStore):
        puts = 0

        def put(self, key, body, **conditions):
            FailingStore.puts += 1
            if FailingStore.puts in (12, 16):
                raise UnavailableError("S3 did not answer")
            return super().put(key, body, **conditions)

    failing = once.replace(clean=FailingStore("clean"))
    arrival = once.put("uploads/a.jsonl", body)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            failing.collector.collect(arrival)
    failing.collector.collect(arrival)
    report = assert_counts(once.report(arrival))
    assert (report.status, report.rows_read) == (IngestStatus.COLLECTED, ROWS)
    # what was read and not stored yet when it failed is read again
    assert rows_read() <= ROWS + 2 * 4 * BATCH_ROWS


def zip_of(body):
    """Two members in an archive; a later run could go on in the longer one if it stood alone."""
    lines, file = body.splitlines(keepends=True)[:3_000], io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", b"".join(lines[:2_400]))
        archive.writestr("b.csv", csv_of(b"".join(lines[2_400:])))
    return file.getvalue()


def test_an_archive_in_many_runs_stores_what_one_run_stores(
    once, short, body, content, empty_tables, assert_counts
):
    arrival = once.put("uploads/a.zip", zip_of(body))
    once.collector.collect(arrival)
    expected = content(once, arrival)
    empty_tables()

    short.collector.collect(arrival)
    runs = 1
    while next_run(short):
        runs += 1
        assert runs <= 14, "it comes to no end"
    assert runs >= 12
    assert content(short, arrival) == expected
    assert assert_counts(short.report(arrival)).rows_read == 3_000


def test_an_archive_whose_run_fails_in_the_middle_is_stored_once(
    once, body, content, empty_tables, monkeypatch
):
    arrival = once.put("uploads/a.zip", zip_of(body))
    once.collector.collect(arrival)
    expected = content(once, arrival)
    empty_tables()
    for info in list(once.dependencies.clean.list("")):
        once.dependencies.clean.delete(info.key)

    clean, puts = once.dependencies.clean, []

    def put(key, content, **conditions):
        puts.append(key)
        if len(puts) == 11:
            raise UnavailableError("S3 did not answer")
        return MemoryStore.put(clean, key, content, **conditions)

    monkeypatch.setattr(clean, "put", put)
    with pytest.raises(UnavailableError):
        once.collector.collect(arrival)
    once.collector.collect(arrival)
    assert content(once, arrival) == expected


def test_another_mapping_in_the_middle_begins_again(once, short, body, assert_counts):
    arrival = once.put("uploads/a.jsonl", body)
    short.collector.collect(arrival)
    assert next_run(short)
    once.put("uploads/a.jsonl.mapping.json", b'{"text": "title", "rating": "rating"}')
    finish(short, arrival)
    report = assert_counts(short.report(arrival))
    assert (report.rows_read, report.rejected) == (ROWS, 0)


def test_a_clean_shard_that_is_lost_in_the_middle_is_written_again(once, short, body):
    arrival = once.put("uploads/a.jsonl", body)
    short.collector.collect(arrival)
    next_run(short)
    clean = short.dependencies.clean
    lost = next(iter(clean.list("reviews/"))).key
    intact, _ = clean.get(lost)
    clean.delete(lost)
    finish(short, arrival)
    assert clean.get(lost)[0] == intact
    assert short.report(arrival).rows_read == ROWS


def test_the_message_of_the_last_stored_shard_is_sent_again(once, body):
    """It may have been lost with the process that stored the shard."""
    arrival = once.put("uploads/a.jsonl", body)
    once.replace(max_run_seconds=0.0).collector.collect(arrival)
    stored = [json.loads(each)["part"] for each in once.dependencies.processing_queue.take()]
    next_run(once)
    again = [json.loads(each)["part"] for each in once.dependencies.processing_queue.take()]
    assert again[0] == stored[-1]
    assert stored + again[1:] == list(range(ROWS // BATCH_ROWS))


def test_runs_that_store_nothing_come_to_an_end(once, body, ledger, rows):
    class KilledStore(MemoryStore):
        def put(self, key, body, **conditions):
            raise KeyboardInterrupt  # as a kill, it leaves nothing in the ledger

    killed = once.replace(clean=KilledStore("clean"))
    arrival = once.put("uploads/a.jsonl", body)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            killed.collector.collect(arrival)
    killed.collector.collect(arrival)
    report = once.report(arrival)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "no_progress")
    assert "5 runs in a row" in report.error_detail
    # a retry begins anew
    once.collector.collect(arrival)
    assert once.report(arrival).rows_read == ROWS


def test_runs_in_which_a_dependency_does_not_answer_are_not_held_against_the_object(once, body):
    class SilentStore(MemoryStore):
        def put(self, key, body, **conditions):
            raise UnavailableError("S3 did not answer")

    silent = once.replace(clean=SilentStore("clean"), max_run_attempts=1)
    arrival = once.put("uploads/a.jsonl", body)
    for _ in range(20):
        with pytest.raises(UnavailableError):
            silent.collector.collect(arrival)
    assert once.report(arrival).status is IngestStatus.COLLECTING
    silent.collector.collect(arrival)
    assert once.report(arrival).error_code == "no_progress"


def test_an_upload_that_is_undone_in_the_middle_is_not_continued(once, short, body, rows, database):
    arrival = once.put("uploads/a.jsonl", body)
    short.collector.collect(arrival)
    ingest_id = once.report(arrival).ingest_id
    read = once.report(arrival).rows_read
    undo.request_undo(database, ingest_id)
    assert next_run(short)
    assert not next_run(short)
    assert once.report(arrival).rows_read == read
    undo.delete_rows(database, ingest_id)
    # a checkpoint quotes the dump
    assert rows("SELECT checkpoint FROM ingests") == [(None,)]
