"""Loopback ports: taken ones are told by name before anything starts."""

import errno
import socket

from local.errors import LocalStackError

LOOPBACK = "127.0.0.1"


def bind(port: int, *, what: str, option: str) -> socket.socket:
    """Listen on a loopback port (0: any free one).

    Raises:
        LocalStackError: the port is taken or not allowed; names the port and the option.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(512)
    except (OSError, OverflowError) as error:
        listener.close()
        raise LocalStackError(_message(error, port, what, option), exit_code=2) from error
    return listener


def _message(error: Exception, port: int, what: str, option: str) -> str:
    taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
    reason = "is taken by another program" if taken else f"cannot be used ({error})"
    return f"Port {port} for the {what} {reason}. Choose another with {option}, or 0 for any."


def free_port(port: int, *, what: str, option: str) -> int:
    """Check a port that another program will open; returns the number (chosen where 0)."""
    listener = bind(port, what=what, option=option)
    number: int = listener.getsockname()[1]
    listener.close()
    return number
