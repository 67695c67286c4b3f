"""A small server that says what a test wants, and a client of it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from frontend_space.client import Client


class Server:
    """``says`` holds what is answered in turn; the last one stays. ``asked`` keeps requests."""

    def __init__(self):
        self.says = [(200, {})]
        self.asked = []
        self.url = ""

    def next(self):
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]


@pytest.fixture
def server():
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            told.asked.append((self.command, self.path, dict(self.headers.items()), body))
            status, said = told.next()
            answer = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            if status in {301, 302, 307}:
                self.send_header("location", f"{told.url}/elsewhere")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _respond  # noqa: N815 - names of the base class

        def log_message(self, *_args):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    told.url = f"http://127.0.0.1:{listening.server_port}"
    yield told
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setattr("frontend_space.client._PAUSE_SECONDS", 0.01)
    made = Client(server.url, key="k-123")
    yield made
    made.close()
