"""Resolves a host once and checks every address."""

import socket
import threading
from collections.abc import Callable, Sequence

from lambdas.image_fetch.addresses import is_allowed
from lambdas.image_fetch.deadline import Deadline
from shared.errors import PictureError

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host; raises OSError or UnicodeError if there are none."""


def system_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, from the system."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def public_addresses(
    host: str, port: int, resolve: Resolve, deadline: Deadline, *, loopback: bool
) -> Sequence[str]:
    """The addresses of a host, all of which may be connected to.

    Raises:
        PictureError: the host has none, or one that must not be connected to.
    """
    addresses = _in_time(lambda: resolve(host, port), deadline)
    if not addresses:
        raise PictureError("fetch_failed", "its host cannot be found")
    # one forbidden address is enough: a host of the public internet has none
    if not all(is_allowed(address, loopback=loopback) for address in addresses):
        raise PictureError("address_refused", "its host is not on the public internet")
    return addresses


def _in_time(resolve: Callable[[], Sequence[str]], deadline: Deadline) -> Sequence[str]:
    """Resolve in a thread: the system's resolver knows no time limit."""
    addresses: list[str] = []

    def run() -> None:
        try:
            addresses.extend(resolve())
        except (OSError, UnicodeError):
            addresses.clear()

    thread = threading.Thread(target=run, name="resolver", daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if thread.is_alive():
        raise deadline.error()
    return addresses
