"""The HTTP server of the page, in a thread."""

import errno
import socket
import threading
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


class _Server(uvicorn.Server):
    """A server that says when it has started, or failed to."""

    def __init__(self, configuration: uvicorn.Config) -> None:
        super().__init__(configuration)
        self.start_ended = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve."""
        await super().startup(sockets)
        self.start_ended.set()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until ``should_exit``."""
        try:
            super().run(sockets)
        finally:
            self.start_ended.set()


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
    server = _Server(configuration)
    thread = threading.Thread(target=server.run, args=([listener],), name="page", daemon=True)
    thread.start()
    try:
        server.start_ended.wait(_START_TIMEOUT_SECONDS)
        if not server.started:
            raise OSError("the server did not start")
        yield
    finally:
        server.should_exit = True
        thread.join(2 * _STOP_TIMEOUT_SECONDS)
        listener.close()
