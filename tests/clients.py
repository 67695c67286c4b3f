"""Both clients of the API behind one interface, and a loopback server with scripted answers."""

import asyncio
import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from reviewlens import AsyncClient, AsyncPages, Client, Retry

QUICK = Retry(backoff_seconds=0.001, max_wait_seconds=1.0)


class Awaited:
    """AsyncClient with the interface of Client: each call runs until its answer arrives."""

    def __init__(self, *args, **options):
        self._runner = asyncio.Runner()
        self._client = AsyncClient(*args, **options)

    def close(self):
        self._runner.run(self._client.close())
        self._runner.close()

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def call(*args, **options):
            result = method(*args, **options)
            if isinstance(result, AsyncPages):
                return AwaitedPages(self._runner, result)
            return self._runner.run(result)

        return call


class AwaitedPages:
    """AsyncPages with the interface of Pages."""

    def __init__(self, runner, pages):
        self._runner, self._pages = runner, pages

    def page(self, position=None):
        return self._runner.run(self._pages.page(position))

    def pages(self):
        return self._collect(self._pages.pages())

    def __iter__(self):
        return self._collect(aiter(self._pages))

    def _collect(self, iterator):
        async def following():
            return await anext(iterator, None)

        while (item := self._runner.run(following())) is not None:
            yield item


KINDS = {"Client": Client, "AsyncClient": Awaited}


@contextmanager
def client_of(kind, url, **options):
    """A client of one kind, with short pauses between attempts."""
    client = KINDS[kind](url, **{"retry": QUICK, **options})
    try:
        yield client
    finally:
        client.close()


class ScriptedServer:
    """Answers on loopback: ``answers`` in turn, the last one again and again.

    An answer is (status, body) or (status, body, headers); None breaks the connection off.
    ``requests`` keeps method, path, headers and body of each request.
    """

    def __init__(self):
        self.answers = [(200, {})]
        self.requests = []
        self.url = ""

    def next_answer(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def scripted_server():
    """Start a ScriptedServer; it is stopped on leaving."""
    script = ScriptedServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.requests.append((self.command, self.path, headers, body))
            answer = script.next_answer()
            if answer is None:
                self.close_connection = True
                self.connection.close()
                return
            status, content, *rest = answer
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in (rest[0] if rest else {}).items():
                self.send_header(name, value.replace("{url}", script.url))
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _respond  # noqa: N815 - names of the base class

        def log_message(self, *_args):
            pass

        def handle(self):
            with suppress(OSError, ValueError):  # the connection was broken off on purpose
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
