"""A connection to an address that was checked, and a reader that keeps to limits."""

import io
import socket
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from lambdas.image_fetch.deadline import Deadline
from lambdas.image_fetch.urls import Target
from shared.errors import PictureError

_MAX_ATTEMPTS = 4


def connect(
    target: Target, addresses: Sequence[str], context: ssl.SSLContext, deadline: Deadline
) -> socket.socket:
    """Connect to the first address that answers; the certificate must be that of the host.

    Raises:
        OSError: none answers.
        ssl.SSLError: the certificate is not valid.
        PictureError: the time is over.
    """
    tried = addresses[:_MAX_ATTEMPTS]
    for count, address in enumerate(tried, 1):
        seconds = deadline.remaining() / (len(tried) - count + 1)
        try:
            plain = socket.create_connection((address, target.port), timeout=seconds)
        except OSError:
            if count == len(tried):
                raise
        else:
            break
    if target.scheme == "http":
        return plain
    with ExitStack() as on_error:
        on_error.callback(plain.close)
        plain.settimeout(deadline.remaining())
        secure = context.wrap_socket(plain, server_hostname=target.host)
        on_error.pop_all()
        return secure


class LimitedReader(io.RawIOBase):
    """Bytes of a connection, until the deadline and up to a limit; counts headers and framing."""

    def __init__(self, connection: socket.socket, deadline: Deadline, limit: int) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline
        self._remaining = limit

    def extend(self, count: int) -> None:
        """Allow more bytes."""
        self._remaining += count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The reader as http.client wants it: it takes a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what is there.

        Raises:
            PictureError: the time is over, or more bytes came than are allowed.
        """
        self._connection.settimeout(self._deadline.remaining())
        count = self._connection.recv_into(buffer)
        self._remaining -= count
        if self._remaining < 0:
            raise PictureError("picture_too_large", "its server sends more than is allowed")
        return count
