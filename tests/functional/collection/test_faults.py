"""Counts stay exact through kills, restarts, and repeated or concurrent deliveries."""

import json
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.errors import UnavailableError
from shared.schemas.ingest import IngestStatus
from shared.storage.shards import to_parquet
from tests.fakes.queues import MemoryQueue

CHILD = textwrap.dedent(
    """
    import json, os, signal, sys
    from shared.db.connection import Database
    from shared.db.ingest.ledger import Ledger
    from lambdas.collection.arrivals import Arrival
    from lambdas.collection.dependencies import Dependencies
    from lambdas.collection.service import Collector
    from tests.fakes.objects import MemoryStore
    from tests.fakes.queues import MemoryQueue

    task = json.load(sys.stdin)

    class KillingStore(MemoryStore):
        puts = 0
        def put(self, key, body, **conditions):
            KillingStore.puts += 1
            if KillingStore.puts == task["at"]:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().put(key, body, **conditions)

    database = Database(lambda: task["secret"])
    raw = MemoryStore("raw")
    etag = raw.put("uploads/a", task["body"].encode("latin-1")).etag
    Collector(Dependencies(
        database, Ledger(database), raw, KillingStore("clean"), MemoryStore("artefacts"),
        *(MemoryQueue() for _ in range(3)),
        reviewer_key=b"k" * 32, batch_rows=50,
    )).collect(Arrival("raw", "uploads/a", etag))
    """
)


def kill_at_put(at, body, secret):
    """Collect a dump in a child process that kills itself at a put of a shard."""
    task = {"secret": secret, "body": body.decode("latin-1"), "at": at}
    child = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(task).encode(),
        check=False,
        capture_output=True,
        timeout=180,
    )
    assert child.returncode == -9, child.stderr.decode()


@pytest.mark.parametrize("at", [1, 3])
def test_a_killed_collector_loses_and_duplicates_no_rows(
    world, postgres, make_review, make_dump, rows, assert_counts, at
):
    body = make_dump([make_review(n % 190) for n in range(200)] + [make_review(1, text="")])
    kill_at_put(at, body, postgres.secret)
    arrival = world.put("uploads/a", body)
    halfway = assert_counts(world.report(arrival))
    assert halfway.status is IngestStatus.COLLECTING
    assert halfway.rows_read == 50 * (at - 1)

    world.collector.collect(arrival)
    report = assert_counts(world.report(arrival))
    assert (report.rows_read, report.stored, report.duplicates, report.rejected) == (
        *(201, 190, 10),
        1,
    )
    assert rows("SELECT count(*) FROM reviews") == [(190,)]
    # every shard is queued, including those whose message was lost with the process
    assert len(world.dependencies.processing_queue.take()) == report.shards == 4


def test_a_restart_of_the_database_is_retried_and_counts_stay_exact(
    world, postgres, make_review, make_dump, rows, assert_counts
):
    body = make_dump(make_review(n) for n in range(300))
    arrival = world.put("uploads/a", body)

    class RestartingStore(type(world.dependencies.clean)):
        puts = 0

        def put(self, key, body, **conditions):
            RestartingStore.puts += 1
            if RestartingStore.puts == 3:
                postgres.stop()
                postgres.start()
            return super().put(key, body, **conditions)

    with pytest.raises(UnavailableError):
        world.replace(clean=RestartingStore("clean")).collector.collect(arrival)
    assert 100 <= assert_counts(world.report(arrival)).rows_read < 300
    world.collector.collect(arrival)
    report = assert_counts(world.report(arrival))
    assert (report.status, report.stored) == (IngestStatus.COLLECTED, 300)
    assert rows("SELECT count(*) FROM reviews") == [(300,)]


def test_a_batch_that_cannot_be_encoded_stops_later_batches(
    world, make_review, make_dump, monkeypatch
):
    arrival = world.put("uploads/a", make_dump([make_review(n) for n in range(200)]))
    tables = []

    def fail_on_second(table):
        tables.append(table)
        if len(tables) == 2:
            raise MemoryError
        return to_parquet(table)

    monkeypatch.setattr("lambdas.collection.batch_writer.to_parquet", fail_on_second)
    with pytest.raises(MemoryError):
        world.collector.collect(arrival)
    report = world.report(arrival)
    assert (report.status, report.stored) == (IngestStatus.FAILED, 50)

    world.collector.collect(arrival)
    assert world.report(arrival).stored == 200


def test_two_overlapping_dumps_at_once_store_each_review_once(
    world, make_review, make_dump, rows, assert_counts
):
    forward = world.put("uploads/a", make_dump(make_review(n) for n in range(600)))
    backward = world.put("uploads/b", make_dump(make_review(n) for n in range(899, 299, -1)))
    ready = Barrier(2)

    def work(arrival):
        ready.wait()
        world.collector.collect(arrival)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [forward, backward]))
    first, second = assert_counts(world.report(forward)), assert_counts(world.report(backward))
    assert (first.rows_read, second.rows_read) == (600, 600)
    assert first.stored + second.stored == 900
    assert first.duplicates + second.duplicates == 300
    owners = rows("SELECT ingest_id, count(*) FROM reviews GROUP BY 1")
    assert dict(owners) == {first.ingest_id: first.stored, second.ingest_id: second.stored}


def test_of_two_concurrent_deliveries_one_is_redelivered(
    world, make_review, make_dump, assert_counts
):
    arrival = world.put("uploads/a", make_dump(make_review(n) for n in range(200)))

    class CompetingQueue(MemoryQueue):
        refused = 0

        def send(self, messages):
            super().send(messages)
            with pytest.raises(UnavailableError):
                world.collector.collect(arrival)
            self.refused += 1

    queue = CompetingQueue()
    world.replace(processing_queue=queue).collector.collect(arrival)
    assert queue.refused == 4
    world.collector.collect(arrival)
    assert assert_counts(world.report(arrival)).stored == 200
