"""Fixtures: the local AWS on a temporary folder, broken clusters, waiting for conditions."""

import json
import time
from contextlib import contextmanager
from functools import cache

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from local.aws.resources import local_client
from local.aws.server import LocalAws
from local.credentials import AwsKeys
from local.names import REGION
from local.stack.ports import bind

TIMEOUT_SECONDS = 120
KEYS = AwsKeys("LOCAL0123456789ABCDE", "the secret of these tests")


cached_client = cache(local_client)


class Aws:
    """A LocalAws that can be stopped and restarted on the same folder."""

    def __init__(self, root, listener):
        self.root = root
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.keys = KEYS
        self.s3, self.sqs = (cached_client(name, self.url, KEYS) for name in ("s3", "sqs"))
        self._listener = listener

    def start(self):
        self._server = LocalAws(self.root, self._listener.dup(), keys=KEYS)
        self.loaded = self._server.start()

    def stop(self):
        """Stop the server and clear moto's memory, as the end of its process does."""
        self._server.stop()
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].reset()
        sqs_backends[DEFAULT_ACCOUNT_ID].reset()

    def restart(self):
        self.stop()
        self.start()

    def records(self, bucket):
        """Records on disk of a bucket's objects, by key."""
        records = [json.loads(path.read_text()) for path in self.root.glob(f"{bucket}/meta/*.json")]
        return {record["key"]: record for record in records}

    def bytes_on_disk(self, bucket, key):
        return (self.root / bucket / "data" / self.records(bucket)[key]["blob"]).read_bytes()

    def staged(self):
        """Files of bytes that are not committed yet."""
        return list((self.root / ".staged").iterdir())

    def queue(self, name="work", **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def arn(self, url):
        response = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return response["Attributes"]["QueueArn"]

    def bodies(self, url):
        """Bodies of the messages that can be received now."""
        response = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [message["Body"] for message in response.get("Messages", [])]

    def moto_queue(self, url):
        return sqs_backends[DEFAULT_ACCOUNT_ID][REGION].get_queue(url.rpartition("/")[2])


@pytest.fixture(scope="session")
def listener():
    """One port for all servers, so that they share clients, which are slow to create."""
    with bind(0, purpose="test AWS", option="-") as listening:
        yield listening


@pytest.fixture
def aws(tmp_path, listener):
    started = Aws(tmp_path / "s3", listener)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def bucket(aws):
    aws.s3.create_bucket(Bucket="bucket")
    return "bucket"


@pytest.fixture
def broken_cluster():
    """Makes PostgreSQL fail to start on a data folder: ``could not find the database system``."""

    @contextmanager
    def break_cluster(data):
        control = data / "global" / "pg_control"
        moved = control.rename(data / "moved")
        try:
            yield
        finally:
            moved.rename(control)

    return break_cluster


@pytest.fixture
def eventually():
    """Waits until a condition is true and returns its value."""

    def wait(condition):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not (value := condition()):
            assert time.monotonic() < deadline, "timed out"
            time.sleep(0.01)
        return value

    return wait
