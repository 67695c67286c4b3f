"""``kill -9``, a full disk and a corrupt index lose and duplicate nothing."""

import io
import os
import resource
import signal

import psutil
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from local.names import CLEAN_BUCKET
from shared.schemas.review import model_text
from shared.storage import artefacts
from tests.e2e.dumps import amazon_2014
from tests.e2e.one_stack.test_swap import (
    flip_bit,
    publish_copy,
    wait_until_degraded,
    wait_until_healthy,
)
from tests.e2e.stack import counts, temporary_stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
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


@pytest.fixture(scope="module")
def breakable():
    """A stack that tests kill and damage; each leaves it healthy, its work done."""
    with temporary_stack(REVIEWLENS_BATCH_ROWS="100") as stack:
        yield stack.start()


def assert_stored_once(stack, ingest_id, dump, *, before=0):
    """Check that PostgreSQL and the clean bucket have exactly the expected rows.

    ``before``: how many reviews other ingests had stored.
    """
    stored = stack.rows(
        "SELECT record FROM reviews WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in stored] == dump.stored
    rejected = stack.rows(
        "SELECT record FROM rejects WHERE ingest_id = %s ORDER BY record", ingest_id
    )
    assert [record for (record,) in rejected] == dump.rejected
    assert stack.count("SELECT count(*) FROM reviews") == before + len(dump.stored)
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
def test_a_kill_during_processing(breakable, kill):
    stack = breakable
    stored = stack.count("SELECT count(*) FROM reviews")
    dump = amazon_2014(600, seed=kill.__name__)
    ingest_id = stack.put(f"{kill.__name__}.json", dump.body)

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
    assert_stored_once(stack, ingest_id, dump, before=stored)
    total = stored + len(dump.stored)
    assert stack.rows("SELECT count(*), count(DISTINCT review_id) FROM analyses") == [
        (total, total)
    ]
    stack.wait_for_index()
    samples = stack.rows(
        "SELECT review_id, title, text FROM reviews WHERE ingest_id = %s LIMIT 3", ingest_id
    )
    for review_id, title, text in samples:
        results = stack.api.search(model_text(title, text), top_k=10).results
        assert review_id in {result.review_id for result in results}


def test_an_acknowledged_upload_survives_an_immediate_kill(breakable):
    stack = breakable
    dump = amazon_2014(120, seed="unread")
    worker = psutil.Process(stack.child("worker"))
    worker.suspend()  # neither the object nor the event has been read when the stack dies
    ingest_id = stack.put("unread.json", dump.body)
    stack.kill(worker)
    stack.start()
    assert counts(stack.wait_for(ingest_id)) == dump.counts
    stack.wait_for_index()


def test_uploads_are_refused_and_work_continues_after_space_is_freed(breakable):
    stack = breakable
    _, hard = resource.prlimit(stack.running.pid, resource.RLIMIT_FSIZE)

    def limit_files(size):
        """Limit the files that the S3 of the stack can write, as a full disk would."""
        resource.prlimit(stack.running.pid, resource.RLIMIT_FSIZE, (size, hard))

    dump = amazon_2014(200, seed="d")
    worker = stack.child("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        ingest_id = stack.put("before.json", dump.body)
        limit_files(4_000)
    finally:
        os.kill(worker, signal.SIGCONT)
    with pytest.raises(ClientError, match="StorageFull"):
        stack.put("full.json", amazon_2014(200, seed="e").body)
    log = stack.folder.logs / "worker.log"
    wait_until(lambda: "S3 has no space" in log.read_text(), what="a failed batch")
    assert stack.report(ingest_id).stored == 0
    limit_files(hard)
    assert counts(stack.wait_for(ingest_id)) == dump.counts
    stack.wait_for_index()
    # services load a new index one after the other
    wait_until(lambda: stack.api.health().status == "ok", what="health to be ok", every=0.25)


def test_a_stack_that_starts_with_a_corrupt_index_serves_the_previous_one(breakable):
    stack = breakable
    stack.wait_for(stack.put("few.json", amazon_2014(15, seed="few").body))
    version = stack.wait_for_index()
    bad = f"{version}-flipped"
    publish_copy(stack, "index", bad, flip_bit)
    move_index(stack, bad)
    stack.kill()
    stack.start()
    analysis = stack.api.analyze("It broke at once, awful.")
    assert analysis.sentiment == "negative"
    assert analysis.index_version == version
    assert analysis.similar_reviews
    wait_until_degraded(stack, ["inference", "retrieval"], "index", "corrupt")
    move_index(stack, version)
    wait_until_healthy(stack)


def move_index(stack, version):
    """Make a version of the index current."""
    pointer = artefacts.current(stack.artefacts, "index")
    artefacts.move_pointer(stack.artefacts, "index", version, if_match=pointer.etag)
