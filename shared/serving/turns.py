"""Spreads the loads of many processes: one that loads takes no requests on Lambda."""

import random
import time
from collections.abc import Callable

_BUSY_SHARE = 0.1
"""Share of the processes that load at the same time."""


class Turn:
    """When a process may be held for a load that it has noticed."""

    def __init__(
        self, max_delay_seconds: float, share: Callable[[], float] = random.random
    ) -> None:
        """Start without a load.

        Args:
            max_delay_seconds: longest delay, however long a load takes.
            share: returns a number from 0 to 1, at random.
        """
        self._max_delay_seconds = max_delay_seconds
        self._share = share
        self._begins_at: float | None = None

    def has_come(self, load_seconds: float) -> bool:
        """Whether the load may go on now; the first call decides when.

        Args:
            load_seconds: how long a load takes.
        """
        now = time.monotonic()
        if self._begins_at is None:
            longest = min(load_seconds / _BUSY_SHARE, self._max_delay_seconds)
            self._begins_at = now + self._share() * longest
        return now >= self._begins_at

    def end(self) -> None:
        """Forget the load, which has ended."""
        self._begins_at = None
