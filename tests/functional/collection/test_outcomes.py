"""What a caller learns about an ingest whose rows were rejected."""

import pytest

from shared.schemas.ingest import IngestStatus

HEADER = b"text,rating\n"


def rows(good, bad):
    """A CSV dump with good rows, and rows without a text."""
    return (
        HEADER
        + b"".join(b"good %d,5\n" % n for n in range(good))
        + b"".join(b",%d\n" % (n % 5 + 1) for n in range(bad))
    )


def finish(world, report):
    """Process all shards of an ingest; return its report."""
    with world.dependencies.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = 'm'")
    world.dependencies.ledger.complete(report.ingest_id)
    return world.dependencies.ledger.report(report.ingest_id)


def test_an_ingest_that_stored_nothing_fails_and_names_its_first_rejects(world, assert_counts):
    report = world.collect("uploads/a.csv", rows(0, 5))
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "nothing_stored")
    assert "all 5 rows were rejected" in report.error_detail
    assert "uploads/a.csv, line 2: text_missing" in report.error_detail
    assert "\n" not in report.error_detail
    assert (report.rows_read, report.rejected) == (5, 5)
    assert_counts(report)


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (2, IngestStatus.PROCESSED),
        (3, IngestStatus.PROCESSED_WITH_WARNINGS),
    ],
)
def test_more_than_a_fifth_of_rejects_ends_with_a_warning(world, bad, status, assert_counts):
    report = finish(world, world.collect("uploads/a.csv", rows(8, bad)))
    assert report.status is status
    assert_counts(report)
    warned = [warning for warning in report.warnings if "rows were rejected" in warning]
    if status is IngestStatus.PROCESSED:
        assert not warned
        assert "too_many_rejects" not in report.details
    else:
        assert warned[0].startswith("3 of 11 rows were rejected; first: uploads/a.csv, line 10:")
        assert report.details["too_many_rejects"] == {"share": 3 / 11, "limit": 0.2}
        assert report.status.is_final


def test_the_share_of_rejects_is_a_setting(world):
    tolerant = world.replace(max_reject_share=0.5)
    report = finish(tolerant, tolerant.collect("uploads/a.csv", rows(5, 5)))
    assert report.status is IngestStatus.PROCESSED


def test_the_same_dump_again_is_not_a_failure(world, assert_counts):
    world.collect("uploads/a.csv", rows(9, 1))
    report = world.collect("uploads/b.csv", rows(9, 1))
    assert report.status is IngestStatus.PROCESSED
    assert (report.stored, report.duplicates, report.rejected) == (0, 9, 1)
    assert_counts(report)


def test_a_dump_without_rows_is_not_a_failure(world):
    assert world.collect("uploads/a.csv", HEADER).status is IngestStatus.PROCESSED


def test_an_ingest_with_warnings_is_not_read_again(world):
    arrival = world.put("uploads/a.csv", rows(5, 5))
    world.collector.collect(arrival)
    before = finish(world, world.report(arrival))
    world.collector.collect(arrival)
    assert world.report(arrival) == before


def test_a_reopened_ingest_keeps_its_warnings(world):
    report = finish(world, world.collect("uploads/a.csv", rows(5, 5)))
    assert world.dependencies.ledger.reopen("another", 0.0)
    assert world.dependencies.ledger.status(report.ingest_id) is IngestStatus.COLLECTED
    assert finish(world, report).status is IngestStatus.PROCESSED_WITH_WARNINGS
