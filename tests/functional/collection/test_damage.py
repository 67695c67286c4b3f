"""Lost clean shards are written again with the same rows, and damaged dumps replace nothing."""

from contextlib import contextmanager

import pytest

from shared.db.ingest.repair import request_rereading
from shared.errors import CorruptObjectError, UnavailableError
from shared.schemas.ingest import IngestStatus
from tests.fakes.objects import MemoryStore


class DamagedStore(MemoryStore):
    """A raw bucket with wrong checksums: the next ``bad_reads`` streams end in an error."""

    bad_reads = 0

    @contextmanager
    def open(self, key, *, etag=None, start=0):
        with super().open(key, etag=etag, start=start) as stream:
            yield stream
            if self.bad_reads:
                self.bad_reads -= 1
                raise CorruptObjectError(f"object {key} is corrupt")


@pytest.fixture
def damaged_world(world):
    return world.replace(raw=DamagedStore("raw"))


def shards(world):
    return {info.key: world.dependencies.clean.get(info.key)[0] for info in _list(world)}


def _list(world):
    return world.dependencies.clean.list("reviews/")


def reread(world, arrival):
    with world.dependencies.database.transaction() as connection:
        requested = request_rereading(connection, world.report(arrival).ingest_id)
    world.collector.collect(arrival)
    return requested


def test_a_lost_clean_shard_is_written_again_with_the_rows_it_had(
    world, make_review, make_dump, rows, assert_counts
):
    world.collect("uploads/first", make_dump(make_review(n) for n in range(10)))
    arrival = world.put("uploads/a", make_dump(make_review(n % 115) for n in range(120)))
    world.collector.collect(arrival)
    before, stored = shards(world), rows("SELECT review_id, ingest_id, record FROM reviews")
    counts = assert_counts(world.report(arrival))
    world.dependencies.processing_queue.take()
    lost = sorted(before)[-3:]
    for key in lost[:2]:
        world.dependencies.clean.delete(key)
    assert reread(world, arrival)
    assert shards(world) == before
    assert rows("SELECT review_id, ingest_id, record FROM reviews") == stored
    report = assert_counts(world.report(arrival))
    assert report.status is counts.status
    assert (report.rows_read, report.stored, report.duplicates) == (120, 105, 15)


def test_a_dump_that_is_damaged_when_it_arrives_fails_and_says_what_to_do(
    damaged_world, make_review, make_dump, assert_counts
):
    damaged_world.raw.bad_reads = 99
    report = assert_counts(
        damaged_world.collect("uploads/a", make_dump(make_review(n) for n in range(120)))
    )
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "object_corrupt")
    assert "upload the object again" in report.error_detail


def test_a_wrong_checksum_of_the_network_is_read_again(damaged_world, make_review, make_dump):
    arrival = damaged_world.put("uploads/a", make_dump([make_review(1)]))
    damaged_world.raw.bad_reads = 1
    with pytest.raises(UnavailableError):
        damaged_world.collector.collect(arrival)
    damaged_world.collector.collect(arrival)
    assert damaged_world.report(arrival).stored == 1


def test_a_damaged_dump_replaces_nothing_that_is_stored(
    damaged_world, make_review, make_dump, rows, assert_counts
):
    world = damaged_world
    arrival = world.put("uploads/a", make_dump(make_review(n) for n in range(120)))
    world.collector.collect(arrival)
    stored = rows("SELECT review_id, record FROM reviews ORDER BY 1")
    for info in list(_list(world))[:1]:
        world.dependencies.clean.delete(info.key)
    world.raw.bad_reads = 99
    assert reread(world, arrival)
    report = assert_counts(world.report(arrival))
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "object_corrupt")
    assert (report.rows_read, report.stored) == (120, 120)
    assert rows("SELECT review_id, record FROM reviews ORDER BY 1") == stored
    # it is not read again for ever, and repaired when the dump is whole again
    with world.dependencies.database.transaction() as connection:
        assert not request_rereading(connection, report.ingest_id)
    world.raw.bad_reads = 0
    world.collector.collect(arrival)
    assert world.report(arrival).status is IngestStatus.COLLECTED
    assert len(shards(world)) == 3
