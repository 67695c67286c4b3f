"""``kill -9`` in the middle of the work: nothing is lost, nothing is there twice."""

import io
import os
import signal

import psutil
import pyarrow.parquet as pq
import pytest

from local.names import CLEAN_BUCKET
from shared.schemas.review import model_text
from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import counts, gone, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
ROWS = 60_000


def kill_main(stack):
    stack.kill()
    assert stack.folder.running() is None
    stack.start()


def kill_worker(stack):
    pid = stack.child("worker")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: stack.child("worker") != pid, what="a new worker")
    assert stack.process.poll() is None


def assert_stored_once(stack, ingest_id, made):
    """Exactly the rows that should be there are, in PostgreSQL and in the clean bucket."""
    stored = stack.rows(
        "SELECT record FROM reviews WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in stored] == made.stored
    rejected = stack.rows(
        "SELECT record FROM rejects WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in rejected] == made.rejected
    assert stack.count("SELECT count(*) FROM reviews") == len(made.stored)
    shards = stack.rows("SELECT key FROM shards WHERE ingest_id = %s AND rows > 0", ingest_id)
    s3 = stack.aws("s3")
    records = []
    for (key,) in shards:
        body = s3.get_object(Bucket=CLEAN_BUCKET, Key=key)["Body"].read()
        records += pq.read_table(io.BytesIO(body), columns=["record"])["record"].to_pylist()
    assert sorted(records) == made.stored


@pytest.mark.parametrize("kill", [kill_main, kill_worker])
def test_a_kill_while_a_dump_is_collected(new_stack, kill):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="2000").start()
    made = amazon_2014(ROWS)
    ingest_id = stack.put("large.json", made.body)

    def halfway():
        report = stack.report(ingest_id)
        return report and report["rows_read"] >= 4_000 and report

    before = wait_until(halfway, what="some rows")
    kill(stack)
    assert before["status"] == "collecting"
    assert before["rows_read"] < ROWS
    report = stack.wait_for(ingest_id, "collected", "processed")
    assert counts(report) == made.counts
    assert_stored_once(stack, ingest_id, made)


@pytest.mark.parametrize("kill", [kill_main, kill_worker])
def test_a_kill_while_reviews_are_processed(new_stack, kill):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="250").start()
    made = amazon_2014(1_500)
    ingest_id = stack.put("small.json", made.body)

    def halfway():
        report = stack.report(ingest_id)
        started = report and report["status"] == "collected" and report["shards_processed"]
        return report if started else None

    before = wait_until(halfway, what="a processed shard")
    kill(stack)
    assert before["shards_processed"] < before["shards"]
    report = stack.wait_for(ingest_id)
    assert counts(report) == made.counts
    assert report["shards_processed"] == report["shards"]
    assert_stored_once(stack, ingest_id, made)
    assert stack.rows("SELECT count(*), count(DISTINCT review_id) FROM analyses") == [
        (len(made.stored), len(made.stored))
    ]
    stack.wait_for_index()
    known = stack.rows("SELECT review_id, title, text FROM reviews LIMIT 3")
    for review_id, title, text in known:
        query = {"query_text": model_text(title, text), "top_k": 10}
        found = stack.post("/search_similar", query)["results"]
        assert review_id in {result["review_id"] for result in found}


def test_an_upload_that_was_answered_survives_a_kill_at_once(new_stack):
    stack = new_stack().start()
    made = amazon_2014(120)
    worker = psutil.Process(stack.child("worker"))
    worker.suspend()  # nobody has read the object, nor the event, when the stack dies
    ingest_id = stack.put("unread.json", made.body)
    stack.kill(worker)
    stack.start()
    assert counts(stack.wait_for(ingest_id)) == made.counts
    stack.wait_for_index()


def test_a_killed_gateway_comes_back(stack):
    old = psutil.Process(stack.child("gateway"))
    old.kill()
    wait_until(lambda: gone([old]) and stack.child("gateway") != old.pid, what="a new gateway")
    assert stack.get("/health")["status"] == "ok"
    assert stack.post("/analyze", {"query_text": "It broke."})["sentiment"] == "negative"
