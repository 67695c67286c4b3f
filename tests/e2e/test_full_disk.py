"""A stack whose disk is full: uploads are refused, and work goes on once there is space."""

import os
import resource
import signal

import pytest
from botocore.exceptions import ClientError

from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import counts, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


def test_uploads_are_refused_and_work_continues_after_space_is_freed(new_stack):
    stack = new_stack(REVIEWLENS_BATCH_ROWS="100").start()
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
    wait_until(lambda: stack.api.health().status == "ok", what="health to be ok")
