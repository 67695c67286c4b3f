"""A dump that is read again in another way ends as if it had only been read that way."""

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


def fresh(world, **ports):
    """The same world with empty buckets and queues."""
    stores = {name: MemoryStore(name) for name in ("raw", "clean", "artefacts")}
    queues = {f"{name}_queue": MemoryQueue() for name in ("collection", "processing", "index")}
    return world.having(**stores, **queues, **ports)


def words(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def numbered(count, **values):
    return [{"x": f"x {n}", "y": f"y {n}", "stars": n % 5 + 1, **values} for n in range(count)]


def put(world, body, mapping):
    world.raw.put(f"{KEY}.mapping.json", json.dumps(mapping).encode())
    return world.put(KEY, body)


def stop_after(world, arrival, puts):
    """Collect until so many clean shards are there."""

    class Stopping(MemoryStore):
        def put(self, key, body, **conditions):
            if len(self._objects) >= puts and key not in self._objects:
                raise UnavailableError("stopped")
            return super().put(key, body, **conditions)

    clean = Stopping("clean")
    clean._objects = world.ports.clean._objects
    try:
        world.having(clean=clean).collector.collect(arrival)
    except UnavailableError:
        return
    # it was read to its end: as if it had been stopped just before it could say so
    world.ports.ledger.start(world.report(arrival).ingest_id)


def embed(world, report, *versions):
    """Leave behind what processing makes of every clean shard."""
    for info in list(world.ports.clean.list(layout.clean_prefix(report.ingest_id))):
        part = layout.part_of(info.key)
        for version in versions:
            for name in (layout.embedding_shard, layout.analysis_shard):
                world.ports.artefacts.put(name(version, report.ingest_id, part), b"x")


def embedded(world):
    return [info.key for info in world.ports.artefacts.list("embeddings/")]


def state(world, arrival, rows):
    """Everything that a reading leaves behind."""
    report = world.report(arrival)
    clean = {
        info.key: read_clean(world.ports.clean, info.key).to_pylist()
        for info in world.ports.clean.list("")
    }
    counts = report.model_dump(exclude={"received_at", "started_at", "finished_at", "updated_at"})
    return (
        counts,
        clean,
        rows("SELECT review_id, ingest_id, record, text, rating FROM reviews ORDER BY 1"),
        rows("SELECT record, reason FROM rejects ORDER BY 1"),
        rows("SELECT part, fingerprint, accepted, rejected, rows FROM shards ORDER BY 1"),
    )


def test_half_with_one_mapping_and_all_with_another(world, rows, adds_up):
    body = words([*numbered(120), {"x": "", "y": "only y", "stars": 1}])
    arrival = put(world, body, X)
    stop_after(world, arrival, 2)
    assert adds_up(world.report(arrival)).stored == 100
    put(world, body, Y)
    world.collector.collect(arrival)
    report = adds_up(world.report(arrival))
    assert (report.rows_read, report.stored, report.rejected) == (121, 121, 0)
    assert rows("SELECT count(*), count(DISTINCT record) FROM reviews") == [(121, 121)]
    assert rows("SELECT count(*) FROM reviews WHERE text LIKE 'x%%'") == [(0,)]


def test_rows_that_carry_their_own_ids_are_read_anew_as_well(world, rows):
    made = [{**row, "id": str(n)} for n, row in enumerate(numbered(60))]
    arrival = put(world, words(made), {**X, "review_id": "id", "source": "shop"})
    stop_after(world, arrival, 1)
    put(world, words(made), {**Y, "review_id": "id", "source": "shop"})
    world.collector.collect(arrival)
    assert rows("SELECT count(*) FROM reviews WHERE text LIKE 'y%%'") == [(60,)]


def test_rejects_of_rows_that_are_stored_now_are_gone(world, rows, adds_up):
    body = words([*numbered(10), *numbered(10, x="")])
    arrival = put(world, body, X)
    stop_after(world, arrival, 9)
    assert adds_up(world.report(arrival)).rejected == 10
    put(world, body, Y)
    world.collector.collect(arrival)
    assert adds_up(world.report(arrival)).rejects_by_reason == {}
    assert rows("SELECT count(*) FROM rejects") == [(0,)]


def test_a_reading_that_changes_nothing_forgets_nothing(world, rows):
    arrival = put(world, words([*numbered(170), *numbered(3, x=None)]), X)
    stop_after(world, arrival, 9)
    stored = rows("SELECT xmin::text, review_id FROM reviews ORDER BY 2")
    lines = rows("SELECT xmin::text, part FROM shards ORDER BY 2")
    world.collector.collect(arrival)
    assert rows("SELECT xmin::text, review_id FROM reviews ORDER BY 2") == stored
    assert rows("SELECT xmin::text, part FROM shards ORDER BY 2") == lines


def test_rows_of_another_ingest_are_never_deleted(world, rows, adds_up):
    theirs = world.collect("uploads/first", words([{"review": f"x {n}"} for n in range(30)]))
    arrival = put(world, words(numbered(60)), X)
    stop_after(world, arrival, 9)
    assert adds_up(world.report(arrival)).duplicates == 30
    put(world, words(numbered(60)), Y)
    world.collector.collect(arrival)
    assert adds_up(world.report(arrival)).stored == 60
    owners = dict(rows("SELECT ingest_id, count(*) FROM reviews GROUP BY 1"))
    assert owners == {theirs.ingest_id: 30, world.report(arrival).ingest_id: 60}


def test_nothing_of_shards_that_are_no_more_stays_for_an_index(world, adds_up):
    body = words([*numbered(60), *numbered(60, y="")])
    arrival = put(world, body, X)
    small = world.having(batch_rows=10)
    stop_after(small, arrival, 99)
    other = world.collect("uploads/other", words([{"review": "another"}]))
    embed(world, world.report(arrival), "m1", "m2")
    embed(world, other, "m1")
    kept = [key for key in embedded(world) if other.ingest_id in key]
    put(world, body, Y)
    # part 0 is rewritten, part 1 has 40 rejects and 10 rows, part 2 rejects alone
    world.collector.collect(arrival)
    report = adds_up(world.report(arrival))
    assert (report.stored, report.rejected, report.shards) == (60, 60, 2)
    clean = [info.key for info in world.ports.clean.list(layout.clean_prefix(report.ingest_id))]
    assert clean == [layout.clean_shard(report.ingest_id, part) for part in (0, 1)]
    expected = {
        name(version, report.ingest_id, part)
        for name in (layout.embedding_shard, layout.analysis_shard)
        for version in ("m1", "m2")
        for part in (0, 1)
    }
    assert set(embedded(world)) == {*kept, *expected}
    assert len(world.ports.index_queue.take()) == 1


def test_a_shard_that_is_no_more_is_waited_for_while_it_is_processed(world):
    body = words(numbered(60, y=""))
    arrival = put(world, body, X)
    stop_after(world, arrival, 9)
    report = world.report(arrival)
    put(world, body, Y)
    lock = world.ports.database.lock(process_lock(report.ingest_id, 1))
    with lock, pytest.raises(UnavailableError):
        world.collector.collect(arrival)
    assert world.report(arrival).status is IngestStatus.COLLECTING
    embed(world, report, "m1")
    world.collector.collect(arrival)
    assert embedded(world) == []
    assert world.report(arrival).status is IngestStatus.PROCESSED


def test_a_reading_that_fails_leaves_nothing_of_what_it_forgot(world, adds_up):
    body = gzip.compress(words(numbered(120)) + b" " * (64 << 20))
    arrival = put(world, body, X)
    stop_after(world.having(batch_rows=10), arrival, 12)
    embed(world, world.report(arrival), "m1")
    put(world, body, Y)
    world.collector.collect(arrival)
    report = adds_up(world.report(arrival))
    assert (report.status, report.stored) == (IngestStatus.FAILED, 100)
    assert len(embedded(world)) == 4


def test_what_is_behind_a_batch_that_failed_is_not_stored(world, rows):
    # the last batch is all rejects, so no put can stop it
    arrival = put(world, words([*numbered(20), *numbered(10, x="")]), X)
    stop_after(world.having(batch_rows=10), arrival, 1)
    assert rows("SELECT part FROM shards") == [(0,)]


def test_a_gap_that_an_earlier_attempt_left_is_filled(world, rows, adds_up):
    body = words([{"x": "", "y": "a", "stars": 1}, {"x": "", "y": "a", "stars": 9}])
    arrival = put(world, body, Y)
    world.having(batch_rows=1).collector.collect(arrival)
    ingest_id = world.report(arrival).ingest_id
    world.ports.ledger.start(ingest_id)
    with world.ports.database.transaction() as connection:
        connection.execute("DELETE FROM shards WHERE part = 0")
        connection.execute("DELETE FROM reviews")
    put(world, body, X)
    world.collector.collect(arrival)
    assert adds_up(world.report(arrival)).rejects_by_reason == {"text_missing": 2}


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
def test_whatever_was_read_before_the_last_reading_counts(
    world, rows, adds_up, empty_tables, lines, mappings, cuts, puts
):
    empty_tables()
    again = fresh(world)
    for mapping, cut, stop in zip(mappings[:2], cuts[:2], puts, strict=True):
        arrival = put(again, words(lines), mapping)
        stop_after(again.having(batch_rows=cut), arrival, stop)
        if report := again.report(arrival):
            adds_up(report)
            embed(again, report, "m1")
    put(again, words(lines), mappings[2])
    again.having(batch_rows=cuts[2]).collector.collect(arrival)
    got = state(again, arrival, rows)
    left = {key.partition("m1/")[2].rpartition(".")[0] for key in embedded(again)}

    empty_tables()
    once = fresh(world, batch_rows=cuts[2])
    once.collector.collect(put(once, words(lines), mappings[2]))
    assert got == state(once, arrival, rows)
    adds_up(once.report(arrival))
    assert left <= {key.removeprefix("reviews/").rpartition(".")[0] for key in got[1]}
