"""A TCP relay in front of a real server; each connection has a thread."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Listens on loopback; a subclass may inspect or replace a connection in ``connect``."""

    def __init__(self, server, *, port=0):
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        # a thread that waits in accept() would keep the port open
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def connect(self, client):
        """Return the two sockets to join, or None to drop the client."""
        return client, socket.create_connection(self._server)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with suppress(OSError), client:
            sockets = self.connect(client)
            if sockets is None:
                return
            near, far = sockets
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()


def _pump(source, sink):
    with suppress(OSError, ValueError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
