"""Checks whether the client of a request is still connected."""

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

_thread = threading.local()


class Callers:
    """WSGI middleware that notes the connection of the request that a thread serves."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Forward the request."""
        _thread.connection = environ["werkzeug.socket"]
        try:
            return self._application(environ, start_response)
        finally:
            del _thread.connection


def has_hung_up() -> bool:
    """Whether the client closed the connection, as the end of its process does."""
    connection = getattr(_thread, "connection", None)
    if connection is None:
        return False  # called within this process
    try:
        data: bytes = connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return not data
