"""Keeps to a rate per host."""

import threading
import time
from collections.abc import Callable


class HostRate:
    """Makes the requests to each host wait for their turn; thread-safe."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pause = 1 / per_second
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def wait(self, host: str) -> None:
        """Return when a request to the host may start."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next.get(host, now))
            # hosts whose turn is over need no entry
            self._next = {name: at for name, at in self._next.items() if at > now}
            self._next[host] = start + self._pause
        if start > now:
            self._sleep(start - now)
