"""S3 in a process that is killed in the middle of its work: what was answered is there."""

import itertools
import signal
import subprocess
import sys
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local.aws.disk import DiskBuckets
from local.aws.resources import local_client

SERVER = """
import sys
from pathlib import Path
from local.aws.server import LocalAws
from local.stack.lifeline import tie_to_parent
from local.stack.ports import bind
tie_to_parent()
listener = bind(0, what="test AWS", option="-")
aws = LocalAws(Path(sys.argv[1]), listener)
aws.start()
print(listener.getsockname()[1], flush=True)
aws._thread.join()
"""
WRITERS = 4
PUTS_BEFORE_THE_KILL = 60


@pytest.fixture
def server(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path / "s3")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        yield process
        process.kill()


def test_whatever_was_answered_before_a_kill_is_there_whole(server, tmp_path):
    s3 = local_client("s3", server.url)
    s3.create_bucket(Bucket="bucket")
    answered, cut_off, enough = {}, {}, threading.Event()

    def write(me):
        for n in itertools.count():
            key, body = f"{me}/{n % 7}", b"%d:%d;" % (me, n) * (n % 5 * 1000)
            try:
                s3.put_object(Bucket="bucket", Key=key, Body=body)
            except (BotoCoreError, ClientError):
                cut_off[key] = body
                return
            answered[key] = body
            if me == 0 and n == PUTS_BEFORE_THE_KILL:
                enough.set()

    threads = [threading.Thread(target=write, args=(me,)) for me in range(WRITERS)]
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    server.send_signal(signal.SIGKILL)
    for thread in threads:
        thread.join()

    disk = DiskBuckets(tmp_path / "s3")
    assert [about["name"] for about in disk.buckets()] == ["bucket"]
    found = {
        record["key"]: bytes(disk.blob("bucket", record).open())
        for record in disk.objects("bucket")
    }
    assert found.keys() >= answered.keys()
    for key, body in found.items():
        assert body in (answered.get(key), cut_off.get(key))
