"""The bytes of an object from one of them on."""

from collections.abc import Callable
from typing import Any

_RANGE_BYTES = 32 * 2**20
"""Bytes of a request: the S3 of one machine holds a range in memory."""


class LaterBytes:
    """A stream that requests one range after another."""

    def __init__(self, request: Callable[..., Any], start: int, end: int) -> None:
        """Begin without a request.

        Args:
            request: returns the body of a ``Range``.
            start: the first byte.
            end: the size of the object.
        """
        self._request = request
        self._next, self._end = start, end
        self._body: Any = None

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, or all that are left."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_RANGE_BYTES), b""))
        while self._body is not None or self._next < self._end:
            if self._body is None:
                last = min(self._next + _RANGE_BYTES, self._end) - 1
                self._body = self._request(Range=f"bytes={self._next}-{last}")
                self._next = last + 1
            if piece := self._body.read(size):
                return bytes(piece)
            self.close()
        return b""

    def close(self) -> None:
        """Close the range that is being read."""
        if self._body is not None:
            self._body.close()
            self._body = None
