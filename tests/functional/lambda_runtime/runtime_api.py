"""Lambda's Runtime API on loopback, and a function that runs against it as it does in its image.

The protocol is that of https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
"""

import json
import queue
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.isolation import PYTHON

_PREFIX = "/2018-06-01/runtime"
_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:reviewlens-test"


@dataclass(frozen=True)
class Outcome:
    """What the runtime reported: a response, or an error of an invocation or of the start."""

    kind: str
    body: object
    request_id: str | None = None

    @property
    def error_type(self):
        return self.body["errorType"]


class RuntimeApi:
    """Hands out invocations, and keeps what is reported."""

    def __init__(self):
        self.waiting = queue.Queue()
        self.outcomes = queue.Queue()
        self.asked = threading.Event()
        """Set when the function has started, and asks for its first invocation."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self.waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one piece, or each answer waits for an ACK

            def do_GET(self):
                assert self.path == f"{_PREFIX}/invocation/next", self.path
                api.asked.set()
                if (invocation := api.waiting.get()) is None:
                    self.close_connection = True
                    return
                request_id, body = invocation
                self.send_response(200)
                for name, value in _headers(request_id, body).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                length = int(self.headers.get("Content-Length") or 0)
                chunked = self.headers.get("Transfer-Encoding") == "chunked"
                body = _chunks(self.rfile) if chunked else self.rfile.read(length)
                api.outcomes.put(_outcome(self.path, body))
                answer = b'{"status": "OK"}'
                self.send_response(202)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        return Handler


def _headers(request_id, body):
    """Without any one of these the runtime client ends without a word."""
    return {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Lambda-Runtime-Aws-Request-Id": request_id,
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 60) * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": _ARN,
        "Lambda-Runtime-Trace-Id": "Root=1-65a1b2c3-0f1e2d3c4b5a69788796a5b4;Sampled=0",
    }


def _chunks(stream):
    found = b""
    while size := int(stream.readline().split(b";")[0], 16):
        found += stream.read(size)
        stream.readline()
    stream.readline()
    return found


def _outcome(path, body):
    parts = path.removeprefix(f"{_PREFIX}/").split("/")
    if parts[0] == "init":
        return Outcome("init error", json.loads(body))
    return Outcome(parts[2], json.loads(body), parts[1])


class DiedError(Exception):
    """The function's process is gone; Lambda would say Runtime.ExitError."""


class Function:
    """One execution environment: the process of a function, as its image starts it."""

    def __init__(self, handler, folder, environment, log):
        self.api = RuntimeApi()
        self._log = log.open("wb")
        self.log = log
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*PYTHON, "-m", "awslambdaric", handler],
            cwd=folder,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def invoke(self, event):
        """What the function makes of an event.

        Raises:
            DiedError: its process ends before it has reported anything.
        """
        request_id = str(uuid.uuid4())
        self.api.waiting.put((request_id, json.dumps(event).encode()))
        found = self.next_outcome()
        assert found.request_id in (request_id, None)
        return found

    def next_outcome(self, seconds=120):
        """What is reported next."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            gone = self.process.poll() is not None
            try:
                return self.api.outcomes.get(timeout=0.1)
            except queue.Empty:
                if gone:
                    raise DiedError(self.process.returncode) from None
        raise TimeoutError(self.log.read_text(errors="replace")[-2000:])

    def close(self):
        self.process.kill()
        self.process.wait()
        self.api.close()
        self._log.close()
