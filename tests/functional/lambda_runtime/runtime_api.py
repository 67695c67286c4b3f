"""Lambda's Runtime API on loopback, and a function process that uses it as in its image.

Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
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
    """A report of the runtime: a response, an invocation error or an init error."""

    kind: str
    body: object
    request_id: str | None = None

    @property
    def error_type(self):
        return self.body["errorType"]


class RuntimeApi:
    """Serves invocations and stores the reported outcomes."""

    def __init__(self):
        self.invocations = queue.Queue()
        self.outcomes = queue.Queue()
        self.ready = threading.Event()
        """Set when the function has started and requests its first invocation."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self):
        self.invocations.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = (
                -1
            )  # sends headers and body together; otherwise each response waits for an ACK

            def do_GET(self):
                assert self.path == f"{_PREFIX}/invocation/next", self.path
                api.ready.set()
                if (invocation := api.invocations.get()) is None:
                    self.close_connection = True
                    return
                request_id, body, seconds = invocation
                self.send_response(200)
                for name, value in _headers(request_id, body, seconds).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                length = int(self.headers.get("Content-Length") or 0)
                chunked = self.headers.get("Transfer-Encoding") == "chunked"
                body = _chunks(self.rfile) if chunked else self.rfile.read(length)
                api.outcomes.put(_outcome(self.path, body))
                response = b'{"status": "OK"}'
                self.send_response(202)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(response)))
                self.end_headers()
                self.wfile.write(response)

            def log_message(self, *_):
                pass

        return Handler


def _headers(request_id, body, seconds):
    """Headers of an invocation; the runtime client exits silently if one is missing."""
    return {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Lambda-Runtime-Aws-Request-Id": request_id,
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": _ARN,
        "Lambda-Runtime-Trace-Id": "Root=1-65a1b2c3-0f1e2d3c4b5a69788796a5b4;Sampled=0",
    }


def _chunks(stream):
    body = b""
    while size := int(stream.readline().split(b";")[0], 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


def _outcome(path, body):
    parts = path.removeprefix(f"{_PREFIX}/").split("/")
    if parts[0] == "init":
        return Outcome("init error", json.loads(body))
    return Outcome(parts[2], json.loads(body), parts[1])


class ExitedError(Exception):
    """The function's process has exited; Lambda reports Runtime.ExitError."""


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

    def invoke(self, event, seconds=60):
        """Invoke the function with an event; return the outcome.

        Args:
            event: the event.
            seconds: the timeout of the function, as its context knows it.

        Raises:
            ExitedError: its process exits before it reports an outcome.
        """
        request_id = str(uuid.uuid4())
        self.start(event, request_id, seconds)
        outcome = self.next_outcome()
        assert outcome.request_id in (request_id, None)
        return outcome

    def start(self, event, request_id="r", seconds=60):
        """Invoke the function without waiting for its outcome."""
        self.api.invocations.put((request_id, json.dumps(event).encode(), seconds))

    def next_outcome(self, seconds=120):
        """Wait for the next outcome."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            exited = self.process.poll() is not None
            try:
                return self.api.outcomes.get(timeout=0.1)
            except queue.Empty:
                if exited:
                    raise ExitedError(self.process.returncode) from None
        raise TimeoutError(self.log.read_text(errors="replace")[-2000:])

    def close(self):
        self.process.kill()
        self.process.wait()
        self.api.close()
        self._log.close()
