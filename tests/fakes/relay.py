"""TCP in front of a real server: each connection is answered in a thread, then passed on."""

import socket
import threading
from contextlib import suppress


class Relay:
    """Listens on loopback; ``meet`` may look at a connection, and change it, before it goes on."""

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

    def meet(self, client):
        """The two ends to join; None to let the client go."""
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
            joined = self.meet(client)
            if joined is None:
                return
            near, far = joined
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
