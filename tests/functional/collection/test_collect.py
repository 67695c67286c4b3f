"""Collecting one object: rows, shards, rejects and counts."""

import gzip
import itertools
import json

import pytest

from lambdas.collection.reading import Limits
from shared.errors import UnavailableError
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import ProcessShard
from shared.storage.shards import read_clean


def take_shards(world):
    return [
        ProcessShard.model_validate_json(body)
        for body in world.dependencies.processing_queue.take()
    ]


def test_the_report_counts_every_row_as_stored_or_rejected(
    world, make_review, make_dump, rows, assert_counts
):
    body = make_dump(
        [make_review(n) for n in range(118)]
        + [make_review(200, text="null"), make_review(201, text=" "), make_review(3)]
    )
    report = assert_counts(world.collect("uploads/a.jsonl.gz", gzip.compress(body + b"{broken\n")))
    assert report.status is IngestStatus.COLLECTED
    assert (report.rows_read, report.stored, report.duplicates, report.rejected) == (
        *(122, 118, 1),
        3,
    )
    assert report.rejects_by_reason == {
        "text_missing": 2,
        "malformed_record": 1,
    }
    assert (report.compression, report.dump_schema) == ("gzip", "amazon2023")
    assert report.finished_at >= report.started_at
    assert rows("SELECT count(*) FROM reviews") == [(118,)]
    assert rows("SELECT count(*) FROM products") == [(7,)]
    rejects = world.dependencies.ledger.rejects(report.ingest_id)
    assert [reject.record for reject in rejects] == [119, 120, 122]
    assert rejects[2].raw == "{broken"


def test_shards_hold_the_rows_of_the_ingest_and_are_queued(world, make_review, make_dump):
    world.collect("uploads/a", make_dump(make_review(n) for n in range(0, 100, 2)))
    take_shards(world)
    report = world.collect("uploads/b", make_dump(make_review(n) for n in range(120)))
    messages = take_shards(world)
    assert report.shards == len(messages) == 3
    assert sum(message.rows for message in messages) == report.stored == 70
    tables = [read_clean(world.dependencies.clean, message.key) for message in messages]
    assert [table.num_rows for table in tables] == [message.rows for message in messages]
    records = [record for table in tables for record in table["record"].to_pylist()]
    assert records == [n + 1 for n in range(120) if n % 2 or n >= 100]


def test_a_second_delivery_changes_nothing(world, make_review, make_dump, rows):
    arrival = world.put("uploads/a", make_dump(make_review(n) for n in range(60)))
    world.collector.collect(arrival)
    first = world.report(arrival)
    take_shards(world)
    world.collector.collect(arrival)
    assert world.report(arrival) == first
    assert take_shards(world) == []
    assert rows("SELECT count(*) FROM reviews") == [(60,)]


def test_the_same_dump_under_another_name_adds_no_rows(
    world, make_review, make_dump, rows, assert_counts
):
    body = make_dump(make_review(n) for n in range(60))
    world.collect("uploads/a", body)
    take_shards(world)
    report = assert_counts(world.collect("uploads/b", gzip.compress(body)))
    assert (report.stored, report.duplicates, report.shards) == (0, 60, 0)
    assert report.status is IngestStatus.PROCESSED
    assert take_shards(world) == []
    assert rows("SELECT count(*) FROM reviews") == [(60,)]


def test_a_deleted_object_fails_without_retries(world, make_review, make_dump):
    arrival = world.put("uploads/a", make_dump([make_review(1)]))
    world.raw.delete("uploads/a")
    world.collector.collect(arrival)
    report = world.report(arrival)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "object_missing")
    # the same bytes are uploaded later: the same ingest, which now succeeds
    world.put("uploads/a", make_dump([make_review(1)]))
    world.collector.collect(arrival)
    again = world.report(arrival)
    assert (again.status, again.stored, again.error_code) == (IngestStatus.COLLECTED, 1, None)


def test_only_the_current_version_is_read_in_any_order_of_events(world, make_review, make_dump):
    old = world.put("uploads/a", make_dump([make_review(1)]))
    new = world.put("uploads/a", make_dump([make_review(2)]))
    world.collector.collect(new)
    world.collector.collect(old)
    assert world.report(new).stored == 1
    assert world.report(old).error_code == "object_superseded"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_object"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "format_unknown"),
        (b"colour,size\nred,3\nblue,4\n", "schema_unknown"),
    ],
)
def test_an_unreadable_object_fails_with_its_error_code(world, body, code):
    report = world.collect("uploads/x", body)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, code)
    assert report.error_detail


def test_a_zip_bomb_fails_at_the_decompression_limit(world):
    report = world.collect("uploads/bomb", gzip.compress(b'{"text": "' + b"a" * (64 << 20)))
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "decompression_limit")


def test_an_object_over_the_limit_is_not_read(world, make_review, make_dump):
    small = world.replace(max_object_bytes=100)
    assert small.collect("uploads/x", make_dump([make_review(1)])).error_code == "object_too_large"


def test_an_object_that_takes_too_long_keeps_what_was_read(world):
    clock = itertools.count()
    slow = world.replace(
        limits=Limits(cpu_seconds_floor=30, cpu_clock=lambda: float(next(clock))), batch_rows=100
    )
    body = b"Review,Stars\n" + b"lovely,5\nbad,1\n" + b"x\n" * 5000
    report = slow.collect("uploads/slow.csv", body)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "cpu_time_limit")
    assert report.stored == 2
    assert report.rows_read == 2 + report.rejected < 5002
    assert f"stopped after line {report.rows_read + 1} " in (report.error_detail or "")


def test_complete_rows_of_a_truncated_gzip_are_stored(world, make_review, make_dump, assert_counts):
    body = gzip.compress(make_dump(make_review(n) for n in range(2000)))
    report = assert_counts(world.collect("uploads/cut.gz", body[: len(body) // 2]))
    assert report.status is IngestStatus.COLLECTED
    assert 0 < report.stored < 2000
    assert report.rejects_by_reason == {"truncated_record": 1}
    assert report.warnings


MAPPED = b"Words,Stars\nlovely,5\nbad,1\n"


def test_a_mapping_of_the_object_is_applied(world, rows):
    world.raw.put("uploads/m/mapping.json", b'{"text": "Nothing"}')
    world.raw.put("uploads/m/x.csv.mapping.json", b'{"text": "Words", "rating": "Stars"}')
    assert world.collect("uploads/m/x.csv", MAPPED).stored == 2
    assert rows("SELECT text, rating FROM reviews ORDER BY 2") == [("bad", 1.0), ("lovely", 5.0)]


def test_a_mapping_of_the_folder_is_applied(world):
    world.raw.put("uploads/m/mapping.json", json.dumps({"text": "Words"}).encode())
    assert world.collect("uploads/m/x.csv", MAPPED).stored == 2


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"text": 1}', b'{"text": "Gone"}', b" " * 70_000])
def test_an_invalid_mapping_fails_the_ingest(world, body):
    world.raw.put("uploads/mapping.json", body)
    assert world.collect("uploads/x.csv", MAPPED).error_code == "mapping_invalid"


def test_a_failed_ingest_succeeds_after_adding_its_mapping(world):
    assert world.collect("uploads/x.csv", MAPPED).status is IngestStatus.FAILED
    world.raw.put("uploads/mapping.json", b'{"text": "Words"}')
    assert world.collect("uploads/x.csv", MAPPED).stored == 2


def test_counts_are_live_during_collection(world, make_review, make_dump):
    reports = []

    class Watched(type(world.dependencies.processing_queue)):
        def send(self, messages):
            reports.append(world.dependencies.ledger.recent(1)[0])

    watched = world.replace(processing_queue=Watched())
    watched.collect("uploads/a", make_dump(make_review(n) for n in range(150)))
    assert [report.rows_read for report in reports] == [50, 100, 150]
    assert reports[0].status is IngestStatus.COLLECTING


def test_rows_before_a_failure_are_kept_and_queued(world, make_review, make_dump, assert_counts):
    bomb = make_dump(make_review(n) for n in range(100)) + b" " * (64 << 20)
    report = assert_counts(world.collect("uploads/bomb", gzip.compress(bomb)))
    assert report.error_code == "decompression_limit"
    assert report.stored == sum(message.rows for message in take_shards(world))


def test_an_s3_outage_is_retried(world, make_review, make_dump):
    class Down(type(world.raw)):
        def put(self, key, body, **conditions):
            raise UnavailableError("down")

    body = make_dump(make_review(n) for n in range(60))
    with pytest.raises(UnavailableError):
        world.replace(clean=Down()).collect("uploads/a", body)
    arrival = world.put("uploads/a", body)
    assert world.report(arrival).status is IngestStatus.COLLECTING
    world.collector.collect(arrival)
    assert world.report(arrival).stored == 60


def test_a_bug_is_recorded_and_a_later_delivery_succeeds(world, make_review, make_dump):
    class Buggy(type(world.raw)):
        def put(self, key, body, **conditions):
            raise RuntimeError("a bug")

    arrival = world.put("uploads/a", make_dump([make_review(1)]))
    with pytest.raises(RuntimeError):
        world.replace(clean=Buggy()).collector.collect(arrival)
    report = world.report(arrival)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "internal_error")
    world.collector.collect(arrival)
    assert world.report(arrival).stored == 1
