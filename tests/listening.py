"""A server that notes its requests, to show that nothing fetches an address."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def listening():
    """The address of a server, and the list of the requests that it got."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self):
            requests.append(self.client_address)
            super().handle_one_request()

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/x.csv", requests
    finally:
        server.shutdown()
        server.server_close()
