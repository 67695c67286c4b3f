"""Measures the local AWS of the version that is on the path; answers each line with a round.

The server is a process of its own, as in a stack. Of the project only the server, its client and
its credentials (where the version has them) are imported, so that it runs with earlier versions.
"""

import inspect
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from local.aws.resources import local_client
from local.aws.server import LocalAws

KEYS: dict[str, Any] = {}
if "keys" in inspect.signature(LocalAws).parameters:  # it checks signatures
    from local.credentials import AwsKeys

    KEYS["keys"] = AwsKeys("LOCAL0123456789ABCDE", "a secret of this benchmark")

_BODY = os.urandom(1_000_000)
_OBJECTS, _MESSAGES = 60, 200


def serve(listener: socket.socket) -> int:
    """Start the server in a new process; returns its id."""
    if process := os.fork():
        return process
    with tempfile.TemporaryDirectory(prefix="reviewlens-bench-") as folder:
        server = LocalAws(Path(folder) / "s3", listener, **KEYS)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        server.start()
        signal.pause()
    return 0


def measure(server: psutil.Process, s3: Any, sqs: Any, queue: str) -> dict[str, dict[str, float]]:
    """Rates of the requests that a stack makes most, and their processor time in the server."""

    def repeat(count: int, work: Callable[[int], object]) -> dict[str, float]:
        started, before = time.perf_counter(), sum(server.cpu_times()[:2])
        for number in range(count):
            work(number)
        seconds = time.perf_counter() - started
        used = sum(server.cpu_times()[:2]) - before
        return {"rate": count / seconds, "cpu_ms": 1000 * used / count}

    def get(number: int) -> None:
        s3.get_object(Bucket="bucket", Key=f"k{number}")["Body"].read()

    def take(_number: int) -> None:
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    return {
        "put": repeat(_OBJECTS, lambda n: s3.put_object(Bucket="bucket", Key=f"k{n}", Body=_BODY)),
        "get": repeat(_OBJECTS, get),
        "send": repeat(_MESSAGES, lambda n: sqs.send_message(QueueUrl=queue, MessageBody=str(n))),
        "take": repeat(_MESSAGES, take),
    }


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    process = serve(listener)
    try:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        s3, sqs = (local_client(name, endpoint, *KEYS.values()) for name in ("s3", "sqs"))
        s3.create_bucket(Bucket="bucket")
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        for _line in sys.stdin:
            sys.stdout.write(f"{json.dumps(measure(psutil.Process(process), s3, sqs, queue))}\n")
            sys.stdout.flush()
    finally:
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)


if __name__ == "__main__":
    main()
