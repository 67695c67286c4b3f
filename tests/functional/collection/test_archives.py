"""Collecting archives: each member is counted by itself, and an ingest resumes exactly."""

import gzip
import io
import tarfile

import pytest

from shared.schemas.ingest import IngestStatus
from tests.functional.collection.test_faults import kill_at_put


def tar_gz(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, body in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return gzip.compress(file.getvalue())


@pytest.fixture
def archive(make_review, make_dump):
    """Three dumps: 120 rows, 90 rows of which 20 are in the first, 30 rows of which 5 are bad."""
    first = make_dump(make_review(n) for n in range(120))
    second = make_dump(make_review(n) for n in range(100, 190))
    third = make_dump(
        [make_review(n) for n in range(200, 225)] + [make_review(n, text=" ") for n in range(5)]
    )
    return tar_gz([("a.jsonl", first), ("README", b"x"), ("b.jsonl", second), ("c.jsonl", third)])


COUNTS = {"a.jsonl": (120, 120, 0, 0), "b.jsonl": (90, 70, 20, 0), "c.jsonl": (30, 25, 0, 5)}


def counts_of(details):
    fields = ("rows_read", "stored", "duplicates", "rejected")
    return {m["file"]: tuple(m[field] for field in fields) for m in details["members"]}


def test_each_member_of_an_archive_is_counted(world, archive, rows, assert_counts):
    arrival = world.put("uploads/x.tar.gz", archive)
    world.collector.collect(arrival)
    report = assert_counts(world.report(arrival))
    assert (report.rows_read, report.stored, report.duplicates, report.rejected) == (
        *(240, 215, 20),
        5,
    )
    assert counts_of(report.details) == COUNTS
    assert report.compression == "gzip+tar"
    assert report.warnings == [
        "not read: README (not a dump)",
        "a.jsonl, b.jsonl, c.jsonl: no column for review_id, product_title, category, brand",
    ]
    assert rows("SELECT DISTINCT file FROM rejects") == [("uploads/x.tar.gz!c.jsonl",)]
    assert rows("SELECT min(record), max(record) FROM rejects") == [(236, 240)]


# a has parts 0 to 2, b parts 3 and 4, c part 5
@pytest.mark.parametrize("at", [1, 3, 4, 5, 6])
def test_a_collector_killed_between_members_resumes_exactly(
    world, postgres, archive, rows, assert_counts, at
):
    kill_at_put(at, archive, postgres.secret)
    arrival = world.put("uploads/a", archive)
    halfway = assert_counts(world.report(arrival))
    assert halfway.status is IngestStatus.COLLECTING
    assert halfway.rows_read == sum((50, 50, 20, 50, 40, 30)[: at - 1])
    world.collector.collect(arrival)
    report = assert_counts(world.report(arrival))
    assert (report.rows_read, report.stored, report.rejected) == (240, 215, 5)
    assert counts_of(report.details) == COUNTS
    assert rows("SELECT count(*) FROM reviews") == [(215,)]


def test_an_archive_over_a_limit_fails_and_names_the_member(world):
    padded = b'{"text": "fine",' + b" " * 1_000_000 + b'"rating": 4}\n'
    bomb = tar_gz([("a.csv", b"text,rating\nfine,4\n"), ("b.jsonl", padded * 64)])
    report = world.collect("uploads/bomb.tar.gz", bomb)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "decompression_limit")
    assert "b.jsonl" in report.error_detail


def test_an_archive_without_a_dump_fails_with_the_reasons(world):
    report = world.collect("uploads/x", tar_gz([("u.csv", b"colour,size\nred,3\n")]))
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "schema_unknown")
    assert "u.csv" in report.error_detail
