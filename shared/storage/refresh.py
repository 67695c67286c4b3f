"""Following a pointer: the last version that could be opened serves until the next one opens."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from shared.errors import ArtefactError, NotFoundError

_RETRY_SECONDS = 60.0

T = TypeVar("T")


class RefreshTimer:
    """Decides when to read the pointers again."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._refreshed_at = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether the last refresh is at least ``seconds`` old; true before the first."""
        return time.monotonic() - self._refreshed_at >= self.seconds

    def restart(self) -> None:
        """Count from now; call this after a refresh."""
        self._refreshed_at = time.monotonic()


class LastGoodVersion(Generic[T]):
    """The last version that could be opened, as an object of type T.

    A version that cannot be opened is refused for a minute, then tried again. The caller
    serialises calls of ``open``; ``value`` may be read from any thread.
    """

    def __init__(self, open_version: Callable[[str], T]) -> None:
        """Start without a version.

        Args:
            open_version: opens a version; raises ArtefactError or NotFoundError for a bad one.
        """
        self._open_version = open_version
        self._failures: dict[str, tuple[float, str]] = {}
        self.version: str | None = None
        self.value: T | None = None

    def drop(self) -> None:
        """Keep no version, because the last one was removed."""
        self.version = self.value = None

    def open(self, version: str) -> T:
        """Open a version and keep it, unless it is open already.

        Raises:
            ArtefactError: the version is bad, or was bad less than a minute ago.
            NotFoundError: there is no such version.
        """
        if self.value is not None and version == self.version:
            return self.value
        failed_at, message = self._failures.get(version, (float("-inf"), ""))
        if time.monotonic() - failed_at < _RETRY_SECONDS:
            raise ArtefactError(message)
        try:
            value = self._open_version(version)
        except (ArtefactError, NotFoundError) as error:
            self._failures[version] = (time.monotonic(), error.message)
            raise
        self.version, self.value = version, value
        return value
