"""Unreadable or truncated objects are reported clearly and do not block others."""

import gzip
import io
import random
import zipfile
from contextlib import contextmanager

import psutil
import pytest

from local.names import RAW_BUCKET
from shared.schemas.ingest import ingest_id_of
from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import counts, wait_until

pytestmark = pytest.mark.slow


def zip_bomb():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = amazon_2014(3, seed="bomb", flawed=False).body
        archive.writestr("reviews.json", rows + b"\n" * (96 << 20))
    return sink.getvalue()


def empty_zip():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("folder/", b"")
    return sink.getvalue()


@contextmanager
def suspended_worker(stack):
    """Suspend the worker during the block, so that no objects or events are read."""
    worker = psutil.Process(stack.child("worker"))
    worker.suspend()
    try:
        yield
    finally:
        worker.resume()


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("bomb.zip", zip_bomb, "decompression_limit"),
        ("noise.json", lambda: random.Random(7).randbytes(200_000), "format_unknown"),
        ("nothing.csv", bytes, "empty_object"),
        ("folder.zip", empty_zip, "archive_unsupported"),
        ("dump.7z", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(500), "archive_unsupported"),
        ("prices.csv", lambda: b"price,colour\n3,red\n4,blue\n", "schema_unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unreadable_object_is_reported_and_the_next_dump_is_read(stack, name, body, code):
    bad = stack.put(name, body())
    good = amazon_2014(30, seed=name, flawed=False)
    good_id = stack.put(f"good-{name}.json", good.body)
    report = stack.wait_for(bad, "failed")
    assert report.error_code == code
    assert report.error_detail
    assert report.finished_at
    assert counts(stack.wait_for(good_id))[0] == 30
    stack.wait_for_index()


def test_a_truncated_gzip_yields_its_complete_rows_and_one_reject(stack):
    dump = amazon_2014(2_000, seed="cut", flawed=False)
    whole = gzip.compress(dump.body)
    report = stack.wait_for(stack.put("cut.json.gz", whole[: len(whole) // 2]))
    assert report.rejects_by_reason == {"truncated_record": 1}
    assert 0 < report.stored < 2_000
    assert report.compression == "gzip"
    assert report.warnings
    (reject,) = report.rejects
    assert reject.raw.startswith('{"reviewerID": "Acut')
    assert reject.record == report.rows_read


def test_an_object_deleted_or_replaced_before_it_is_read_is_reported(stack):
    s3 = stack.aws("s3")
    lost, old, new = (amazon_2014(9, seed=seed, flawed=False).body for seed in ("g", "o", "n"))
    with suspended_worker(stack):
        deleted = stack.put("deleted.json", lost)
        s3.delete_object(Bucket=RAW_BUCKET, Key="uploads/deleted.json")
        replaced = stack.put("replaced.json", old)
        current = stack.put("replaced.json", new)
    assert stack.wait_for(deleted, "failed").error_code == "object_missing"
    assert stack.wait_for(replaced, "failed").error_code == "object_superseded"
    assert counts(stack.wait_for(current)) == (9, 9, 0, 0)
    stack.wait_for_index()


def test_a_dump_can_be_collected_again_after_adding_a_mapping(stack):
    body = b"Opinion;Grade\nA fine lamp, bright and warm;5\nIt broke on day one;1\n"
    ingest_id = stack.put("mapped/words.csv", body)
    assert stack.wait_for(ingest_id, "failed").error_code == "schema_unknown"
    stack.put("mapped/words.csv.mapping.json", b'{"text": "Opinion", "rating": "Grade"}')
    response = stack.api.collect(prefix="mapped/")
    assert response.ingest_ids == [ingest_id]

    def processed_report():
        report = stack.report(ingest_id)
        return report if report.status == "processed" else None

    report = wait_until(processed_report, what="the second attempt")
    assert counts(report) == (2, 2, 0, 0)
    assert report.error_code is None


def test_any_valid_s3_key_can_be_a_dump(stack):
    for name in ("spaces and +plus.json", "ünïcode/日本.json", "100%25 #1?.json", "a" * 900):
        dump = amazon_2014(5, seed=name, flawed=False)
        ingest_id = stack.put(name, dump.body)
        report = stack.wait_for(ingest_id)
        assert report.key == f"uploads/{name}"
        assert ingest_id == ingest_id_of(RAW_BUCKET, report.key, report.etag)
        assert counts(report) == dump.counts
