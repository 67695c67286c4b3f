"""Every acknowledged S3 write survives a kill of the server."""

import itertools
import signal
import subprocess
import sys
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local.aws.disk import DiskBuckets
from local.aws.resources import local_client
from local.credentials import AwsKeys

SERVER = """
import sys
from pathlib import Path
from local.aws.server import LocalAws
from local.credentials import AwsKeys
from local.stack.lifeline import tie_to_parent
from local.stack.ports import bind
tie_to_parent()
listener = bind(0, purpose="test AWS", option="-")
aws = LocalAws(Path(sys.argv[1]), listener, keys=AwsKeys(*sys.argv[2:]))
aws.start()
print(listener.getsockname()[1], flush=True)
aws._thread.join()
"""
KEYS = AwsKeys("LOCAL0123456789ABCDE", "the secret of these tests")
WRITERS = 4
PUTS_BEFORE_KILL = 60


@pytest.fixture
def server(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path / "s3"), KEYS.access_key, KEYS.secret_key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        yield process
        process.kill()


def test_objects_acknowledged_before_a_kill_are_complete(server, tmp_path):
    s3 = local_client("s3", server.url, KEYS)
    s3.create_bucket(Bucket="bucket")
    acknowledged, interrupted, may_kill = {}, {}, threading.Event()

    def write(writer):
        for n in itertools.count():
            key, body = f"{writer}/{n % 7}", b"%d:%d;" % (writer, n) * (n % 5 * 1000)
            try:
                s3.put_object(Bucket="bucket", Key=key, Body=body)
            except (BotoCoreError, ClientError):
                interrupted[key] = body
                return
            acknowledged[key] = body
            if writer == 0 and n == PUTS_BEFORE_KILL:
                may_kill.set()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    assert may_kill.wait(60)
    server.send_signal(signal.SIGKILL)
    for thread in threads:
        thread.join()

    disk = DiskBuckets(tmp_path / "s3")
    assert [record["name"] for record in disk.buckets()] == ["bucket"]
    stored = {
        record["key"]: bytes(disk.blob("bucket", record).open())
        for record in disk.objects("bucket")
    }
    assert stored.keys() >= acknowledged.keys()
    for key, body in stored.items():
        assert body in (acknowledged.get(key), interrupted.get(key))
