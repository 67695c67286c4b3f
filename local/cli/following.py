"""Follows ingests from upload to index, with progress bars if standard error is a terminal."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

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
from local.stack.client import StackClient

_POLL_SECONDS = 0.25
_STALL_TIMEOUT_SECONDS = 60.0
_FINAL_STATUSES = {"processed", "failed"}


@contextmanager
def upload_bar(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """A progress bar in bytes; yields a callback for newly sent bytes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=notes(), disable=not is_interactive()) as progress:
        task = progress.add_task(f"  upload {escape(name)}", total=size)
        yield lambda count: progress.advance(task, count)


def failure_times(client: StackClient) -> dict[str, str]:
    """Finish times of failed ingests, by id; taken before an upload to detect new failures."""
    recent = client.get("/collect", limit=200)["ingests"]
    return {each["ingest_id"]: each["finished_at"] for each in recent if each["status"] == "failed"}


def follow(
    client: StackClient, ingests: Mapping[str, str], failed_before: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Wait until ingests are processed (or failed) and their reviews are searchable.

    Args:
        client: client of the stack.
        ingests: key of each ingest, by id.
        failed_before: result of ``failure_times`` before the upload; these ingests run again.

    Returns:
        The reports, in the order of ``ingests``.

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
            _FollowedIngest(client, progress, key, ingest_id, failed_before.get(ingest_id))
            for ingest_id, key in ingests.items()
        ]
        while waiting := [entry for entry in followed if not entry.finished]:
            for entry in waiting:
                entry.update()
            if not all(entry.finished for entry in waiting):
                time.sleep(_POLL_SECONDS)
    reports = [entry.report for entry in followed]
    _wait_for_index(client, {report["ingest_id"]: report["shards"] for report in reports})
    return reports


class _StallDetector:
    """Detects that there was no progress for a minute and no queue has work left."""

    def __init__(self, client: StackClient) -> None:
        self._client = client
        self._deadline = 0.0
        self.reset()

    def reset(self) -> None:
        """Restart the timeout after progress."""
        self._deadline = time.monotonic() + _STALL_TIMEOUT_SECONDS

    def check(self, problem: str) -> None:
        """Raise LocalStackError if the work has stalled."""
        if time.monotonic() < self._deadline:
            return
        if any(queue["waiting"] or queue["in_work"] for queue in self._client.queues().values()):
            self.reset()
            return
        message = f"There is no more progress, and {problem}: see `reviewlens status`."
        raise LocalStackError(message)


class _FollowedIngest:
    """One ingest and its progress bar."""

    def __init__(
        self,
        client: StackClient,
        progress: Progress,
        key: str,
        ingest_id: str,
        failed_before: str | None,
    ) -> None:
        self._failed_before = failed_before
        self._client = client
        self._progress = progress
        self._id = ingest_id
        self._key = key
        name = key.rpartition("/")[2]
        self._task: TaskID = progress.add_task(
            f"  {escape(name[:40])}", total=None, phase="waiting"
        )
        self._stall = _StallDetector(client)
        self.report: dict[str, Any] = {}

    @property
    def finished(self) -> bool:
        """Whether the ingest has reached its final state."""
        is_final = self.report.get("status") in _FINAL_STATUSES
        if is_final and self._failed_before and self.report["finished_at"] == self._failed_before:
            return False
        return is_final and self.report["shards_processed"] >= self.report["shards"]

    def update(self) -> None:
        """Get the report and update the bar."""
        report = self._client.report(self._id)
        if report is None or report == self.report:
            self._stall.check(f"{self._key} was not processed")
            return
        self._stall.reset()
        self.report = report
        rows, shards, processed = (
            report[name] for name in ("rows_read", "shards", "shards_processed")
        )
        if report["status"] in ("received", "collecting"):
            self._progress.update(self._task, completed=rows, phase="rows read")
        else:
            total = max(1, shards)
            phase = f"{report['status']}, {rows:,} rows"
            self._progress.update(
                self._task, total=total, completed=processed if shards else total, phase=phase
            )


def _wait_for_index(client: StackClient, shards: Mapping[str, int]) -> None:
    stall = _StallDetector(client)
    with notes().status("  index") if is_interactive() else nullcontext():
        while not client.indexed(shards):
            stall.check("there is no index with these reviews")
            time.sleep(_POLL_SECONDS)
