"""``kill -9`` during work loses and duplicates nothing."""

import io
import os
import signal

import psutil
import pyarrow.parquet as pq
import pytest

from local.names import CLEAN_BUCKET
from shared.schemas.review import model_text
from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import counts, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
ROWS = 30_000


def kill_main(stack):
    stack.kill()
    assert stack.folder.running() is None
    stack.start()


def kill_worker(stack):
    pid = stack.child("worker")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: stack.child("worker") != pid, what="a new worker")
    assert stack.process.poll() is None


def assert_stored_once(stack, ingest_id, dump):
    """Check that PostgreSQL and the clean bucket have exactly the expected rows."""
    stored = stack.rows(
        "SELECT record FROM reviews WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in stored] == dump.stored
    rejected = stack.rows(
        "SELECT record FROM rejects WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in rejected] == dump.rejected
    assert stack.count("SELECT count(*) FROM reviews") == len(dump.stored)
    shards = stack.rows("SELECT key FROM shards WHERE ingest_id = %s AND rows > 0", ingest_id)
    s3 = stack.aws("s3")
    records = []
    for (key,) in shards:
        body = s3.get_object(Bucket=CLEAN_BUCKET, Key=key)["Body"].read()
        records += pq.read_table(io.BytesIO(body), columns=["record"])["record"].to_pylist()
    assert sorted(records) == dump.stored


@pytest.mark.parametrize("kill", [kill_main, kill_worker])
def test_a_kill_during_collection(new_stack, kill):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="1000").start()
    dump = amazon_2014(ROWS)
    ingest_id = stack.put("large.json", dump.body)

    def halfway():
        report = stack.report(ingest_id)
        return report and report.rows_read >= 2_000 and report

    before = wait_until(halfway, what="some rows")
    kill(stack)
    assert before.status == "collecting"
    assert before.rows_read < ROWS
    report = stack.wait_for(ingest_id, "collected", "processed")
    assert counts(report) == dump.counts
    assert_stored_once(stack, ingest_id, dump)


@pytest.mark.parametrize("kill", [kill_main, kill_worker])
def test_a_kill_during_processing(new_stack, kill):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="100").start()
    dump = amazon_2014(600)
    ingest_id = stack.put("small.json", dump.body)

    def halfway():
        report = stack.report(ingest_id)
        started = report and report.status == "collected" and report.shards_processed
        return report if started else None

    before = wait_until(halfway, what="a processed shard")
    kill(stack)
    assert before.shards_processed < before.shards
    report = stack.wait_for(ingest_id)
    assert counts(report) == dump.counts
    assert report.shards_processed == report.shards
    assert_stored_once(stack, ingest_id, dump)
    assert stack.rows("SELECT count(*), count(DISTINCT review_id) FROM analyses") == [
        (len(dump.stored), len(dump.stored))
    ]
    stack.wait_for_index()
    samples = stack.rows("SELECT review_id, title, text FROM reviews LIMIT 3")
    for review_id, title, text in samples:
        results = stack.api.search(model_text(title, text), top_k=10).results
        assert review_id in {result.review_id for result in results}


def test_an_acknowledged_upload_survives_an_immediate_kill(new_stack):
    stack = new_stack().start()
    dump = amazon_2014(120)
    worker = psutil.Process(stack.child("worker"))
    worker.suspend()  # neither the object nor the event has been read when the stack dies
    ingest_id = stack.put("unread.json", dump.body)
    stack.kill(worker)
    stack.start()
    assert counts(stack.wait_for(ingest_id)) == dump.counts
    stack.wait_for_index()
