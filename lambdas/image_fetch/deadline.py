"""One time limit for all steps of a fetch."""

import time
from collections.abc import Callable

from shared.errors import PictureError


class Deadline:
    """A moment by which everything must be done."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds that are left.

        Raises:
            PictureError: none are.
        """
        remaining = self._end - self._clock()
        if remaining <= 0:
            raise self.error()
        return remaining

    def error(self) -> PictureError:
        """The error of a step that took too long."""
        return PictureError("fetch_timeout", f"fetching it took longer than {self._seconds:g} s")
