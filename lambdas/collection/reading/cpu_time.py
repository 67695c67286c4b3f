"""Bounds the CPU time of reading an object."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lambdas.collection.reading.options import Limits
from shared.errors import IngestError

CPU_TIME_LIMIT = "cpu_time_limit"
_SECONDS_PER_ROW = 200e-6
"""What an accepted row may take besides its bytes: a row of a wide Excel sheet takes as much."""


@dataclass(frozen=True)
class CpuMark:
    """What a run has used: CPU time, and the rows that add to the time allowed."""

    seconds: float
    rows: int


class CpuBudget:
    """The CPU time that an object may take, with all members of its archive.

    Every byte and every accepted row adds to it, so that only what is slow for its size exceeds it.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = self._rows = 0
        self._started = limits.cpu_clock()

    @property
    def mark(self) -> CpuMark:
        """What was used so far."""
        return CpuMark(self._limits.cpu_clock() - self._started, self._rows)

    def mark_at(self, size: int, rows: int) -> CpuMark:
        """A mark that leaves what comes after so many bytes and rows the time for its own."""
        limits = self._limits
        allowed = size / 10**6 * limits.cpu_seconds_per_mb + rows * _SECONDS_PER_ROW
        return CpuMark(max(0.0, allowed - limits.cpu_seconds_floor), rows)

    def resume(self, mark: CpuMark) -> None:
        """Count what an earlier run has used."""
        self._started -= mark.seconds
        self._rows += mark.rows

    def read_bytes(self, total: int) -> None:
        """Note how many bytes of the object were read, without its compression."""
        self._bytes = max(self._bytes, total)

    def accept_rows(self, count: int) -> None:
        """Note ``count`` more accepted rows."""
        self._rows += count

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time of the caller, who may continue in another thread."""
        used = self._limits.cpu_clock() - self._started
        yield
        self._started = self._limits.cpu_clock() - used

    def check(self) -> None:
        """Stop reading an object that takes too long.

        Raises:
            IngestError: cpu_time_limit.
        """
        used = self._limits.cpu_clock() - self._started
        if used <= self._limits.cpu_seconds_floor:
            return
        megabytes = self._bytes / 10**6
        allowed = megabytes * self._limits.cpu_seconds_per_mb + self._rows * _SECONDS_PER_ROW
        if used > max(allowed, self._limits.cpu_seconds_floor):
            message = (
                f"reading took {used:.1f} seconds of CPU time for {megabytes:.1f} MB; the rest is "
                f"not read: the limit is {self._limits.cpu_seconds_per_mb:g} seconds per MB and "
                f"{_SECONDS_PER_ROW * 1000:g} ms per accepted row, but at least "
                f"{self._limits.cpu_seconds_floor:g} seconds"
            )
            raise IngestError(CPU_TIME_LIMIT, message)
