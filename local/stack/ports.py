"""Loopback ports, checked before anything starts."""

import errno
import socket

from local.errors import LocalStackError

LOOPBACK = "127.0.0.1"


def bind(port: int, *, purpose: str, option: str) -> socket.socket:
    """Listen on a loopback port (0: any free one).

    Raises:
        LocalStackError: the port is in use or not allowed; names the port and the option.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(512)
    except (OSError, OverflowError) as error:
        listener.close()
        raise LocalStackError(_bind_error(error, port, purpose, option), exit_code=2) from error
    return listener


def _bind_error(error: Exception, port: int, purpose: str, option: str) -> str:
    in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
    reason = "is already in use" if in_use else f"cannot be used ({error})"
    return f"Port {port} for the {purpose} {reason}. Choose another with {option} (0: any free)."


def free_port(port: int, *, purpose: str, option: str) -> int:
    """Check that a port is free for another program; returns its number (0: picks one)."""
    listener = bind(port, purpose=purpose, option=option)
    number: int = listener.getsockname()[1]
    listener.close()
    return number
