"""The HTTP server of the page, in a thread."""

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

_START_TIMEOUT_SECONDS = 60.0
_STOP_TIMEOUT_SECONDS = 5


class AddressError(Exception):
    """The page cannot listen at its address; the message is a sentence for the user."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one.

    Raises:
        AddressError: the address cannot be used.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server((place[0], port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is already in use" if in_use else f"cannot be used at {host} ({error})"
        message = f"Port {port} for the page {reason}. Choose another with --port."
        raise AddressError(message) from error


def address_of(listener: socket.socket) -> str:
    """The URL of a listening socket, for a browser on this machine."""
    host, port = listener.getsockname()[:2]
    name = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"http://{name}:{port}/"


@contextmanager
def serving(application: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve an application on a socket within the block.

    Raises:
        OSError: the server does not start.
    """
    configuration = uvicorn.Config(
        application,
        ws="none",
        access_log=False,  # addresses may contain a token or a text
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_STOP_TIMEOUT_SECONDS,
    )
    server = uvicorn.Server(configuration)
    thread = threading.Thread(target=server.run, args=([listener],), name="page", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise OSError("the server did not start")
            time.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join(2 * _STOP_TIMEOUT_SECONDS)
        listener.close()
