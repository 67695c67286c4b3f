"""Reading a dump again differently gives the same result as reading it only that way."""

import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.db.ingest.shards import process_lock
from shared.errors import UnavailableError
from shared.schemas.ingest import IngestStatus
from shared.storage import layout
from shared.storage.shards import read_clean
from tests.fakes.objects import MemoryStore
from tests.fakes.queues import MemoryQueue

KEY = "uploads/words"
X, Y = {"text": "x"}, {"text": "y", "rating": "stars"}


def empty_world(world, **dependencies):
    """A copy of the world with empty buckets and queues."""
    stores = {name: MemoryStore(name) for name in ("raw", "clean", "artefacts")}
    queues = {f"{name}_queue": MemoryQueue() for name in ("collection", "processing", "index")}
    return world.replace(**stores, **queues, **dependencies)


def json_lines(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def numbered_rows(count, **values):
    return [{"x": f"x {n}", "y": f"y {n}", "stars": n % 5 + 1, **values} for n in range(count)]


def put(world, body, mapping):
    world.raw.put(f"{KEY}.mapping.json", json.dumps(mapping).encode())
    return world.put(KEY, body)


def collect_shards(world, arrival, count):
    """Collect until ``count`` clean shards exist."""

    class StoppingStore(MemoryStore):
        def put(self, key, body, **conditions):
            if len(self._objects) >= count and key not in self._objects:
                raise UnavailableError("stopped")
            return super().put(key, body, **conditions)

    clean = StoppingStore("clean")
    clean._objects = world.dependencies.clean._objects
    try:
        world.replace(clean=clean).collector.collect(arrival)
    except UnavailableError:
        return
    # the whole dump was read: as if the process had stopped just before closing the ingest
    world.dependencies.ledger.start(world.report(arrival).ingest_id)


def embed(world, report, *versions):
    """Store what processing derives from every clean shard."""
    for info in list(world.dependencies.clean.list(layout.clean_prefix(report.ingest_id))):
        part = layout.part_number(info.key)
        for version in versions:
            for name in (layout.embedding_shard, layout.analysis_shard):
                world.dependencies.artefacts.put(name(version, report.ingest_id, part), b"x")


def embedding_keys(world):
    return [info.key for info in world.dependencies.artefacts.list("embeddings/")]


def state(world, arrival, rows):
    """Everything that collecting an object stores."""
    report = world.report(arrival)
    clean = {
        info.key: read_clean(world.dependencies.clean, info.key).to_pylist()
        for info in world.dependencies.clean.list("")
    }
    counts = report.model_dump(exclude={"received_at", "started_at", "finished_at", "updated_at"})
    return (
        counts,
        clean,
        rows("SELECT review_id, ingest_id, record, text, rating FROM reviews ORDER BY 1"),
        rows("SELECT record, reason FROM rejects ORDER BY 1"),
        rows("SELECT part, fingerprint, accepted, rejected, rows FROM shards ORDER BY 1"),
    )


def test_a_new_mapping_applies_to_rows_stored_before(world, rows, assert_counts):
    body = json_lines([*numbered_rows(120), {"x": "", "y": "only y", "stars": 1}])
    arrival = put(world, body, X)
    collect_shards(world, arrival, 2)
    assert assert_counts(world.report(arrival)).stored == 100
    put(world, body, Y)
    world.collector.collect(arrival)
    report = assert_counts(world.report(arrival))
    assert (report.rows_read, report.stored, report.rejected) == (121, 121, 0)
    assert rows("SELECT count(*), count(DISTINCT record) FROM reviews") == [(121, 121)]
    assert rows("SELECT count(*) FROM reviews WHERE text LIKE 'x%%'") == [(0,)]


def test_rows_with_their_own_ids_are_reread(world, rows):
    identified = [{**row, "id": str(n)} for n, row in enumerate(numbered_rows(60))]
    arrival = put(world, json_lines(identified), {**X, "review_id": "id", "source": "shop"})
    collect_shards(world, arrival, 1)
    put(world, json_lines(identified), {**Y, "review_id": "id", "source": "shop"})
    world.collector.collect(arrival)
    assert rows("SELECT count(*) FROM reviews WHERE text LIKE 'y%%'") == [(60,)]


def test_rejects_of_rows_stored_later_are_deleted(world, rows, assert_counts):
    body = json_lines([*numbered_rows(10), *numbered_rows(10, x="")])
    arrival = put(world, body, X)
    collect_shards(world, arrival, 9)
    assert assert_counts(world.report(arrival)).rejected == 10
    put(world, body, Y)
    world.collector.collect(arrival)
    assert assert_counts(world.report(arrival)).rejects_by_reason == {}
    assert rows("SELECT count(*) FROM rejects") == [(0,)]


def test_rereading_without_changes_keeps_all_rows(world, rows):
    arrival = put(world, json_lines([*numbered_rows(170), *numbered_rows(3, x=None)]), X)
    collect_shards(world, arrival, 9)
    stored = rows("SELECT xmin::text, review_id FROM reviews ORDER BY 2")
    lines = rows("SELECT xmin::text, part FROM shards ORDER BY 2")
    world.collector.collect(arrival)
    assert rows("SELECT xmin::text, review_id FROM reviews ORDER BY 2") == stored
    assert rows("SELECT xmin::text, part FROM shards ORDER BY 2") == lines


def test_rows_of_another_ingest_are_kept(world, rows, assert_counts):
    ids = {"asin": "P1", "user_id": "U1"}
    columns = {"product_id": "asin", "reviewer": "user_id"}
    body = json_lines(numbered_rows(60, **ids))
    reviews = [{"review": f"x {n}", **ids} for n in range(30)]
    first = world.collect("uploads/first", json_lines(reviews))
    arrival = put(world, body, X | columns)
    collect_shards(world, arrival, 9)
    assert assert_counts(world.report(arrival)).duplicates == 30
    put(world, body, Y | columns)
    world.collector.collect(arrival)
    assert assert_counts(world.report(arrival)).stored == 60
    owners = dict(rows("SELECT ingest_id, count(*) FROM reviews GROUP BY 1"))
    assert owners == {first.ingest_id: 30, world.report(arrival).ingest_id: 60}


def test_orphaned_shards_are_deleted_with_their_embeddings(world, assert_counts):
    body = json_lines([*numbered_rows(60), *numbered_rows(60, y="")])
    arrival = put(world, body, X)
    small = world.replace(batch_rows=10)
    collect_shards(small, arrival, 99)
    other = world.collect("uploads/other", json_lines([{"review": "another"}]))
    embed(world, world.report(arrival), "m1", "m2")
    embed(world, other, "m1")
    other_keys = [key for key in embedding_keys(world) if other.ingest_id in key]
    put(world, body, Y)
    # part 0 is rewritten, part 1 has 40 rejects and 10 rows, part 2 rejects alone
    world.collector.collect(arrival)
    report = assert_counts(world.report(arrival))
    assert (report.stored, report.rejected, report.shards) == (60, 60, 2)
    clean = [
        info.key for info in world.dependencies.clean.list(layout.clean_prefix(report.ingest_id))
    ]
    assert clean == [layout.clean_shard(report.ingest_id, part) for part in (0, 1)]
    expected = {
        name(version, report.ingest_id, part)
        for name in (layout.embedding_shard, layout.analysis_shard)
        for version in ("m1", "m2")
        for part in (0, 1)
    }
    assert set(embedding_keys(world)) == {*other_keys, *expected}
    assert len(world.dependencies.index_queue.take()) == 1


def test_an_orphaned_shard_in_processing_is_retried_later(world):
    body = json_lines(numbered_rows(60, y=""))
    arrival = put(world, body, X)
    collect_shards(world, arrival, 9)
    report = world.report(arrival)
    put(world, body, Y)
    lock = world.dependencies.database.lock(process_lock(report.ingest_id, 1))
    with lock, pytest.raises(UnavailableError):
        world.collector.collect(arrival)
    assert world.report(arrival).status is IngestStatus.COLLECTING
    embed(world, report, "m1")
    world.collector.collect(arrival)
    assert embedding_keys(world) == []
    reread = world.report(arrival)
    assert (reread.status, reread.error_code) == (IngestStatus.FAILED, "nothing_stored")


def test_a_failed_reread_deletes_orphaned_embeddings(world, assert_counts):
    body = gzip.compress(json_lines(numbered_rows(120)) + b" " * (64 << 20))
    arrival = put(world, body, X)
    collect_shards(world.replace(batch_rows=10), arrival, 12)
    embed(world, world.report(arrival), "m1")
    put(world, body, Y)
    world.collector.collect(arrival)
    report = assert_counts(world.report(arrival))
    assert (report.status, report.stored) == (IngestStatus.FAILED, 100)
    assert len(embedding_keys(world)) == 4


def test_batches_after_a_failed_one_are_not_stored(world, rows):
    # the last batch is all rejects, so no put can stop it
    arrival = put(world, json_lines([*numbered_rows(20), *numbered_rows(10, x="")]), X)
    collect_shards(world.replace(batch_rows=10), arrival, 1)
    assert rows("SELECT part FROM shards") == [(0,)]


def test_a_gap_of_an_earlier_attempt_is_filled(world, rows, assert_counts):
    body = json_lines([{"x": "", "y": "a", "stars": 1}, {"x": "", "y": "a", "stars": 9}])
    arrival = put(world, body, Y)
    world.replace(batch_rows=1).collector.collect(arrival)
    ingest_id = world.report(arrival).ingest_id
    world.dependencies.ledger.start(ingest_id)
    with world.dependencies.database.transaction() as connection:
        connection.execute("DELETE FROM shards WHERE part = 0")
        connection.execute("DELETE FROM reviews")
    put(world, body, X)
    world.collector.collect(arrival)
    assert assert_counts(world.report(arrival)).rejects_by_reason == {"text_missing": 2}


LINES = st.lists(
    st.fixed_dictionaries(
        {
            "x": st.sampled_from(["", "a", "b", "c", "d", None]),
            "y": st.sampled_from(["", "a", "b", "e", "f"]),
            "stars": st.sampled_from([1, 5, 9, "five", None]),
            "id": st.sampled_from(["1", "2", "3", "4", "", None]),
        }
    ),
    min_size=1,
    max_size=30,
)
MAPPINGS = st.fixed_dictionaries(
    {"text": st.sampled_from("xy")},
    optional={"rating": st.just("stars"), "review_id": st.just("id"), "source": st.just("shop")},
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=LINES,
    mappings=st.tuples(MAPPINGS, MAPPINGS, MAPPINGS),
    cuts=st.tuples(*[st.integers(1, 9)] * 3),
    puts=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_only_the_last_reading_counts(
    world, rows, assert_counts, empty_tables, lines, mappings, cuts, puts
):
    empty_tables()
    reread = empty_world(world)
    for mapping, cut, stop in zip(mappings[:2], cuts[:2], puts, strict=True):
        arrival = put(reread, json_lines(lines), mapping)
        collect_shards(reread.replace(batch_rows=cut), arrival, stop)
        if report := reread.report(arrival):
            assert_counts(report)
            embed(reread, report, "m1")
    put(reread, json_lines(lines), mappings[2])
    reread.replace(batch_rows=cuts[2]).collector.collect(arrival)
    actual = state(reread, arrival, rows)
    embedded = {key.partition("m1/")[2].rpartition(".")[0] for key in embedding_keys(reread)}

    empty_tables()
    once = empty_world(world, batch_rows=cuts[2])
    once.collector.collect(put(once, json_lines(lines), mappings[2]))
    assert actual == state(once, arrival, rows)
    assert_counts(once.report(arrival))
    assert embedded <= {key.removeprefix("reviews/").rpartition(".")[0] for key in actual[1]}
