"""A dump that needs many invocations, in the runtime client, with timeouts and kills."""

import gzip
import json
import time

import pytest

from tests.functional.lambda_runtime.conftest import s3_notification, sqs_event

ROWS = 30_000
BATCH_ROWS = 200
REJECTED = 300
DUPLICATES = 500
SECONDS = 0.2
"""A timeout that is over before much is read."""


def dump():
    """Reviews; every hundredth has no text, the last ones are the first ones again."""
    for number in range(ROWS):
        review = number % (ROWS - DUPLICATES)
        text = None if number % 100 == 99 else f"Review {review} says that the kettle broke."
        yield json.dumps({"text": text, "rating": review % 5 + 1, "asin": f"B{review % 99}"})


class Collection:
    """The function and its queue; a killed process is replaced."""

    def __init__(self, cloud):
        self._cloud = cloud
        self.functions = []
        self.restart()

    def restart(self):
        settings = {"REVIEWLENS_BATCH_ROWS": str(BATCH_ROWS), "REVIEWLENS_LOG_LEVEL": "DEBUG"}
        self._function = self._cloud.cold("collection", **settings)
        self.functions.append(self._function)

    def run(self, message, seconds):
        """Deliver a message; returns the message for the next run, or None."""
        outcome = self._function.invoke(sqs_event(message), seconds)
        assert outcome.body == {"batchItemFailures": []}
        return next(iter(self._cloud.messages("COLLECTION")), None)

    def kill_after(self, message, batches):
        """Deliver a message, and kill the process after it has read some batches."""
        before = len(self.batches())
        self._function.start(sqs_event(message))
        deadline = time.monotonic() + 60
        while len(self.batches()) < before + batches and time.monotonic() < deadline:
            time.sleep(0.005)
        self._function.process.kill()
        self._function.process.wait()
        self.restart()

    def batches(self):
        """Rows of all batches that were read, by all processes."""
        lines = (line for f in self.functions for line in f.log.read_text().splitlines())
        return [
            json.loads(line)["rows"] for line in lines if '"batch read"' in line and line[-1] == "}"
        ]


@pytest.mark.parametrize("form", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_dump_of_many_runs_ends_with_each_row_read_once(cloud, postgres, form):
    cloud.clear(postgres.secret)
    raw = cloud.store("RAW")
    key = f"uploads/long-{form.__name__}"
    etag = raw.put(key, form("\n".join(dump()).encode())).etag
    message = json.dumps(s3_notification(raw.bucket, key, etag))
    collection = Collection(cloud)
    for _ in range(10):
        message = collection.run(message, SECONDS)
        assert message, "it went on after its timeout"
    collection.kill_after(message, batches=8)
    while message:
        message = collection.run(message, seconds=60)

    assert cloud.rows("SELECT status, attempts, checkpoint FROM ingests") == [
        ("collected", 0, None)
    ]
    counted = cloud.rows(
        "SELECT sum(accepted + rejected), sum(rows), sum(accepted - rows), sum(rejected)"
        " FROM shards"
    )
    stored = ROWS - REJECTED - DUPLICATES + DUPLICATES // 100
    assert counted == [(ROWS, stored, DUPLICATES - DUPLICATES // 100, REJECTED)]
    assert cloud.rows("SELECT count(*), count(DISTINCT record) FROM reviews") == [(stored, stored)]
    lines = cloud.rows("SELECT line FROM rejects ORDER BY record")
    assert [line for (line,) in lines] == list(range(100, ROWS + 1, 100))
    read = sum(collection.batches())
    assert ROWS <= read <= ROWS * 1.05
