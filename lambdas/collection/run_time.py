"""The time of one run of collection."""

import time
from collections.abc import Callable

from shared.http.deadline import remaining_seconds

_RESERVED_SHARE = 0.05
"""Share of a run that is kept for storing what was read."""
_BATCHES_AHEAD = 3
"""The most batches that are waiting to be stored when a run ends."""


class RunTime:
    """Says when a run must hand over to the next one."""

    def __init__(self, max_seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = min(max_seconds, remaining_seconds())
        self._end = clock() + self._seconds
        self._last: float | None = None
        self._slowest = 0.0

    def is_over(self) -> bool:
        """Whether a batch more may be one too many; call it after each batch."""
        now = self._clock()
        if self._last is not None:  # the first batch includes opening the dump
            self._slowest = max(self._slowest, now - self._last)
        self._last = now
        reserve = max(_BATCHES_AHEAD * self._slowest, self._seconds * _RESERVED_SHARE)
        return self._end - now < reserve
