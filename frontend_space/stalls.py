"""Notices that work makes no progress for minutes, and asks the server why."""

import time
from collections.abc import Callable, Iterator

from reviewlens import ApiError
from reviewlens.models import GatewayHealth

_STALL_SECONDS = 180.0
_MAX_REASONS = 3


class StallWatch:
    """Compares the progress of some work over time."""

    def __init__(
        self,
        health: Callable[[], GatewayHealth],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start to watch.

        Args:
            health: asks the server for its state.
            clock: seconds that never go back.
        """
        self._health, self._clock = health, clock
        self._progress: object = None
        self._since = clock()
        self._reported = (0, "")

    def warning(self, progress: object) -> str:
        """A sentence about a stall with the reasons of the server; empty while there is progress.

        Args:
            progress: changes as long as the work goes on.
        """
        now = self._clock()
        if progress != self._progress:
            self._progress, self._since = progress, now
            self._reported = (0, "")
        if now - self._since < _STALL_SECONDS:
            return ""
        minutes = int((now - self._since) // 60)
        if self._reported[0] != minutes:
            self._reported = (minutes, self._reason())
        return f"There has been no progress for {minutes} minutes. {self._reported[1]}"

    def _reason(self) -> str:
        try:
            reasons = list(_problems(self._health()))
        except ApiError:
            return "The server does not say why."
        if not reasons:
            return "The server reports no error; it may be busy."
        return f"The server reports: {'; '.join(reasons[:_MAX_REASONS])}."


def _problems(health: GatewayHealth) -> Iterator[str]:
    for name, service in health.services.items():
        for check, state in service.checks.items():
            if state.status != "ok":
                yield f"{name}, {check}: {state.detail or state.status}"
