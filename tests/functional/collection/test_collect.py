"""One object in: rows, shards, rejects and counts out."""

import gzip
import json

import pytest

from shared.errors import UnavailableError
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import ProcessShard
from shared.storage.shards import read_clean


def shards_of(world):
    return [ProcessShard.model_validate_json(body) for body in world.ports.processing_queue.take()]


def test_every_row_is_stored_or_rejected_and_the_report_says_so(
    world, make_review, make_dump, rows, adds_up
):
    body = make_dump(
        [make_review(n) for n in range(118)]
        + [make_review(200, rating=9), make_review(201, text=" "), make_review(3)]
    )
    report = adds_up(world.collect("uploads/a.jsonl.gz", gzip.compress(body + b"{broken\n")))
    assert report.status is IngestStatus.COLLECTED
    assert (report.rows_read, report.stored, report.duplicates, report.rejected) == (
        *(122, 118, 1),
        3,
    )
    assert report.rejects_by_reason == {
        "rating_out_of_range": 1,
        "text_missing": 1,
        "malformed_record": 1,
    }
    assert (report.compression, report.dump_schema) == ("gzip", "amazon2023")
    assert report.finished_at >= report.started_at
    assert rows("SELECT count(*) FROM reviews") == [(118,)]
    assert rows("SELECT count(*) FROM products") == [(7,)]
    rejects = world.ports.ledger.rejects(report.ingest_id)
    assert [reject.record for reject in rejects] == [119, 120, 122]
    assert rejects[2].raw == "{broken"


def test_shards_hold_what_the_ingest_owns_and_processing_is_told(world, make_review, make_dump):
    world.collect("uploads/a", make_dump(make_review(n) for n in range(0, 100, 2)))
    shards_of(world)
    report = world.collect("uploads/b", make_dump(make_review(n) for n in range(120)))
    messages = shards_of(world)
    assert report.shards == len(messages) == 3
    assert sum(message.rows for message in messages) == report.stored == 70
    got = [read_clean(world.ports.clean, message.key) for message in messages]
    assert [table.num_rows for table in got] == [message.rows for message in messages]
    records = [record for table in got for record in table["record"].to_pylist()]
    assert records == [n + 1 for n in range(120) if n % 2 or n >= 100]


def test_a_second_delivery_does_nothing(world, make_review, make_dump, rows):
    arrival = world.put("uploads/a", make_dump(make_review(n) for n in range(60)))
    world.collector.collect(arrival)
    first = world.report(arrival)
    shards_of(world)
    world.collector.collect(arrival)
    assert world.report(arrival) == first
    assert shards_of(world) == []
    assert rows("SELECT count(*) FROM reviews") == [(60,)]


def test_the_same_dump_under_another_name_adds_no_row(world, make_review, make_dump, rows, adds_up):
    body = make_dump(make_review(n) for n in range(60))
    world.collect("uploads/a", body)
    shards_of(world)
    report = adds_up(world.collect("uploads/b", gzip.compress(body)))
    assert (report.stored, report.duplicates, report.shards) == (0, 60, 0)
    assert report.status is IngestStatus.PROCESSED
    assert shards_of(world) == []
    assert rows("SELECT count(*) FROM reviews") == [(60,)]


def test_an_object_that_is_gone_fails_and_is_not_tried_for_ever(world, make_review, make_dump):
    arrival = world.put("uploads/a", make_dump([make_review(1)]))
    world.raw.delete("uploads/a")
    world.collector.collect(arrival)
    report = world.report(arrival)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "object_missing")
    # the same bytes come back later: the same ingest, and now it works
    world.put("uploads/a", make_dump([make_review(1)]))
    world.collector.collect(arrival)
    again = world.report(arrival)
    assert (again.status, again.stored, again.error_code) == (IngestStatus.COLLECTED, 1, None)


def test_of_two_versions_only_the_current_one_is_read_in_whatever_order_they_come(
    world, make_review, make_dump
):
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
def test_an_object_that_cannot_be_read_fails_with_its_reason(world, body, code):
    report = world.collect("uploads/x", body)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, code)
    assert report.error_detail


def test_a_zip_bomb_fails_by_its_limit(world):
    report = world.collect("uploads/bomb", gzip.compress(b'{"text": "' + b"a" * (64 << 20)))
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "decompression_limit")


def test_an_object_over_the_limit_is_not_read(world, make_review, make_dump):
    small = world.having(max_object_bytes=100)
    assert small.collect("uploads/x", make_dump([make_review(1)])).error_code == "object_too_large"


def test_a_truncated_gzip_gives_its_complete_rows(world, make_review, make_dump, adds_up):
    whole = gzip.compress(make_dump(make_review(n) for n in range(2000)))
    report = adds_up(world.collect("uploads/cut.gz", whole[: len(whole) // 2]))
    assert report.status is IngestStatus.COLLECTED
    assert 0 < report.stored < 2000
    assert report.rejects_by_reason == {"truncated_record": 1}
    assert report.warnings


MAPPED = b"Words,Stars\nlovely,5\nbad,1\n"


def test_a_mapping_beside_the_object_names_its_columns(world, rows):
    world.raw.put("uploads/m/mapping.json", b'{"text": "Nothing"}')
    world.raw.put("uploads/m/x.csv.mapping.json", b'{"text": "Words", "rating": "Stars"}')
    assert world.collect("uploads/m/x.csv", MAPPED).stored == 2
    assert rows("SELECT text, rating FROM reviews ORDER BY 2") == [("bad", 1.0), ("lovely", 5.0)]


def test_a_mapping_of_the_folder_serves_all_its_objects(world):
    world.raw.put("uploads/m/mapping.json", json.dumps({"text": "Words"}).encode())
    assert world.collect("uploads/m/x.csv", MAPPED).stored == 2


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"text": 1}', b'{"text": "Gone"}', b" " * 70_000])
def test_a_mapping_that_does_not_fit_is_told(world, body):
    world.raw.put("uploads/mapping.json", body)
    assert world.collect("uploads/x.csv", MAPPED).error_code == "mapping_invalid"


def test_a_failed_ingest_works_once_its_mapping_is_there(world):
    assert world.collect("uploads/x.csv", MAPPED).status is IngestStatus.FAILED
    world.raw.put("uploads/mapping.json", b'{"text": "Words"}')
    assert world.collect("uploads/x.csv", MAPPED).stored == 2


def test_counts_are_live_while_reading(world, make_review, make_dump):
    seen = []

    class Watched(type(world.ports.processing_queue)):
        def send(self, messages):
            seen.append(world.ports.ledger.recent(1)[0])

    watching = world.having(processing_queue=Watched())
    watching.collect("uploads/a", make_dump(make_review(n) for n in range(150)))
    assert [report.rows_read for report in seen] == [50, 100, 150]
    assert seen[0].status is IngestStatus.COLLECTING


def test_what_came_before_a_failure_stays_and_is_processed(world, make_review, make_dump, adds_up):
    bomb = make_dump(make_review(n) for n in range(100)) + b" " * (64 << 20)
    report = adds_up(world.collect("uploads/bomb", gzip.compress(bomb)))
    assert report.error_code == "decompression_limit"
    assert report.stored == sum(message.rows for message in shards_of(world))


def test_s3_out_of_order_is_retried_not_failed(world, make_review, make_dump):
    class Down(type(world.raw)):
        def put(self, key, body, **conditions):
            raise UnavailableError("down")

    body = make_dump(make_review(n) for n in range(60))
    with pytest.raises(UnavailableError):
        world.having(clean=Down()).collect("uploads/a", body)
    arrival = world.put("uploads/a", body)
    assert world.report(arrival).status is IngestStatus.COLLECTING
    world.collector.collect(arrival)
    assert world.report(arrival).stored == 60


def test_a_fault_of_ours_is_told_and_a_later_delivery_mends_it(world, make_review, make_dump):
    class Odd(type(world.raw)):
        def put(self, key, body, **conditions):
            raise RuntimeError("a bug")

    arrival = world.put("uploads/a", make_dump([make_review(1)]))
    with pytest.raises(RuntimeError):
        world.having(clean=Odd()).collector.collect(arrival)
    report = world.report(arrival)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "internal_error")
    world.collector.collect(arrival)
    assert world.report(arrival).stored == 1
