"""Follows ingests from upload to index, with progress bars if standard error is a terminal."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from local.cli.output import is_interactive, notes
from local.errors import LocalStackError
from reviewlens import Client
from reviewlens.models import IngestReport, IngestStatus

_POLL_SECONDS = 0.25
STALL_SECONDS = 60.0
Lookup = Callable[[], IngestReport | None]
"""Returns the report of an ingest; None before the API knows it."""


@contextmanager
def upload_bar(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """A progress bar in bytes; yields a callback for newly sent bytes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=notes(), disable=not is_interactive()) as progress:
        task = progress.add_task(f"  upload {escape(name)}", total=size)
        yield lambda count: progress.advance(task, count)


def failure_times(client: Client) -> dict[str, datetime]:
    """Finish times of failed and undone ingests, by id.

    They are taken before an upload, because both kinds may start again with it.
    """
    ended = [
        each
        for each in client.ingests(limit=200).ingests
        if each.status in (IngestStatus.FAILED, IngestStatus.UNDONE)
    ]
    return {each.ingest_id: each.finished_at for each in ended if each.finished_at}


def follow(
    lookups: Mapping[str, Lookup],
    stall: "StallDetector",
    failed_before: Mapping[str, datetime] | None = None,
) -> list[IngestReport]:
    """Wait until ingests are processed (or failed).

    Args:
        lookups: function that gets the report of each ingest, by key of its object.
        stall: decides when waiting is pointless.
        failed_before: result of ``failure_times`` before the upload; these ingests run again.

    Returns:
        The reports, in the order of ``lookups``.

    Raises:
        LocalStackError: there is no progress and no queue has work, so a message was given up.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[phase]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes(), disable=not is_interactive()) as progress:
        followed = [
            _FollowedIngest(progress, key, lookup, stall, failed_before or {})
            for key, lookup in lookups.items()
        ]
        while waiting := [entry for entry in followed if not entry.finished]:
            for entry in waiting:
                entry.update()
            if not all(entry.finished for entry in waiting):
                time.sleep(_POLL_SECONDS)
    return [entry.report for entry in followed if entry.report is not None]


class StallDetector:
    """Detects that there was no progress for some time and no queue has work left."""

    def __init__(self, seconds: float, has_work: Callable[[], bool]) -> None:
        self._seconds = seconds
        self._has_work = has_work
        self._deadline = 0.0
        self.reset()

    def reset(self) -> None:
        """Restart the timeout after progress."""
        self._deadline = time.monotonic() + self._seconds

    def check(self, problem: str) -> None:
        """Raise LocalStackError if the work has stalled."""
        if time.monotonic() < self._deadline:
            return
        if self._has_work():
            self.reset()
            return
        message = f"There is no more progress, and {problem}: see `reviewlens status`."
        raise LocalStackError(message)


class _FollowedIngest:
    """One ingest and its progress bar."""

    def __init__(
        self,
        progress: Progress,
        key: str,
        lookup: Lookup,
        stall: StallDetector,
        failed_before: Mapping[str, datetime],
    ) -> None:
        self._progress = progress
        self._key = key
        self._lookup = lookup
        self._stall = stall
        self._failed_before = failed_before
        name = key.rpartition("/")[2]
        self._task: TaskID = progress.add_task(
            f"  {escape(name[:40])}", total=None, phase="waiting"
        )
        self.report: IngestReport | None = None

    @property
    def finished(self) -> bool:
        """Whether the ingest has reached its final state."""
        report = self.report
        if report is None or not report.status.is_final:
            return False
        earlier_failure = self._failed_before.get(report.ingest_id)
        if earlier_failure is not None and report.finished_at == earlier_failure:
            return False
        return report.shards_processed + report.shards_failed >= report.shards

    def update(self) -> None:
        """Get the report and update the bar."""
        report = self._lookup()
        if report is None or report == self.report:
            self._stall.check(f"{self._key} was not processed")
            return
        self._stall.reset()
        self.report = report
        rows, shards = report.rows_read, report.shards
        if report.status in (IngestStatus.RECEIVED, IngestStatus.COLLECTING):
            total: int | None = None
            phase = "rows read"
            if bulk := report.bulk:
                total = bulk.records
                phase = (
                    f"rows, {bulk.ranges_stored} of {bulk.ranges} ranges, {bulk.cost_usd:.4f} USD"
                )
            self._progress.update(self._task, total=total, completed=rows, phase=phase)
        else:
            done = report.shards_processed + report.shards_failed if shards else 1
            phase = f"{report.status}, {rows:,} rows"
            self._progress.update(self._task, total=max(1, shards), completed=done, phase=phase)
