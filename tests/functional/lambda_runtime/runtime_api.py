"""Lambda's Runtime API on loopback, and a function process that uses it as in its image.

Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and for extensions
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html. A process may be frozen
between its invocations, as Lambda does.
"""

import json
import queue
import signal
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.isolation import PYTHON

_PREFIX = "/2018-06-01/runtime"
_EXTENSIONS = "/2020-01-01/extension"
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
        self.extensions = {}
        """The events of each extension, by its id."""
        self.busy = {"runtime"}
        """The runtime and the extensions that do not ask for their next event."""
        self.changed = threading.Condition()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Requests", (_Requests,), {"api": self})
        )
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self._server.server_address[1]}"

    def invoke(self, request_id, body, seconds):
        """Send an invocation to the runtime and to the extensions."""
        event = {"eventType": "INVOKE", "requestId": request_id}
        event["deadlineMs"] = int((time.time() + seconds) * 1000)
        with self.changed:
            self.invocations.put((request_id, body, seconds))
            for events in self.extensions.values():
                events.put(event)
            self.busy |= {"runtime", *self.extensions}

    def next_event(self, name, events):
        """Wait for the next event of the runtime or of an extension."""
        with self.changed:
            if events.empty():
                self.busy.discard(name)
                self.changed.notify_all()
        return events.get()

    def wait_until_idle(self, seconds):
        """Wait until Lambda may freeze the process."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.busy, seconds)

    def close(self):
        for events in (self.invocations, *self.extensions.values()):
            events.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Requests(BaseHTTPRequestHandler):
    """Requests of the runtime and of extensions; a subclass has the ``api``."""

    api = None
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # sends headers and body together; otherwise each response waits for an ACK

    def do_GET(self):
        if self.path == f"{_EXTENSIONS}/event/next":
            self._send_event(self.headers["Lambda-Extension-Identifier"])
            return
        assert self.path == f"{_PREFIX}/invocation/next", self.path
        self.api.ready.set()
        if (invocation := self.api.next_event("runtime", self.api.invocations)) is None:
            self.close_connection = True
            return
        request_id, body, seconds = invocation
        self._answer(200, body, _headers(request_id, body, seconds))

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        chunked = self.headers.get("Transfer-Encoding") == "chunked"
        body = _chunks(self.rfile) if chunked else self.rfile.read(length)
        if self.path == f"{_EXTENSIONS}/register":
            self._register(body)
            return
        self.api.outcomes.put(_outcome(self.path, body))
        self._answer(202, b'{"status": "OK"}')

    def _register(self, body):
        assert json.loads(body) == {"events": ["INVOKE"]}, "of a thread, no other is sent"
        name = self.headers["Lambda-Extension-Name"]
        self.api.extensions[name] = queue.Queue()
        self.api.busy.add(name)
        self._answer(200, b"{}", {"Lambda-Extension-Identifier": name})

    def _send_event(self, name):
        event = self.api.next_event(name, self.api.extensions[name])
        self.close_connection = event is None
        if event:
            self._answer(200, json.dumps(event).encode())

    def _answer(self, status, body, headers=None):
        self.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in (sent | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


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
    """One execution environment: the process of a function, as its image starts it.

    Set ``freezes`` to stop the process between invocations.
    """

    freezes = False

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
        self.process.send_signal(signal.SIGCONT)
        self.start(event, request_id, seconds)
        outcome = self.next_outcome()
        assert outcome.request_id in (request_id, None)
        if self.freezes:
            # Lambda would kill the process otherwise
            assert self.api.wait_until_idle(seconds), "the invocation timed out after its response"
            self.process.send_signal(signal.SIGSTOP)
        return outcome

    def start(self, event, request_id="r", seconds=60):
        """Invoke the function without waiting for its outcome."""
        self.api.invoke(request_id, json.dumps(event).encode(), seconds)

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
