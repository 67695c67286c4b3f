"""Progress of ingests, from upload to index: bars for a person, nothing for a pipe."""

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
_PATIENCE_SECONDS = 60.0
_FINISHED = {"processed", "failed"}


@contextmanager
def upload_bar(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar of bytes; yields what to tell of each piece."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=notes(), disable=not is_interactive()) as progress:
        task = progress.add_task(f"  upload {escape(name)}", total=size)
        yield lambda count: progress.advance(task, count)


def failures(client: StackClient) -> dict[str, str]:
    """When each failed ingest failed: asked before an upload, to tell a new failure from an old."""
    recent = client.get("/collect", limit=200)["ingests"]
    return {each["ingest_id"]: each["finished_at"] for each in recent if each["status"] == "failed"}


def follow(
    client: StackClient, ingests: Mapping[str, str], failed_before: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Wait until ingests are processed (or failed) and their reviews are searchable.

    Args:
        client: the stack.
        ingests: key of each ingest, by id.
        failed_before: what ``failures`` said before the upload: these are tried again.

    Returns:
        The reports, in the order given.

    Raises:
        LocalStackError: nothing happens any more and no queue has work: something was given up.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[phase]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes(), disable=not is_interactive()) as progress:
        reports = [
            _Followed(client, progress, key, ingest_id, failed_before.get(ingest_id))
            for ingest_id, key in ingests.items()
        ]
        while waiting := [entry for entry in reports if not entry.finished]:
            for entry in waiting:
                entry.look()
            if not all(entry.finished for entry in waiting):
                time.sleep(_POLL_SECONDS)
    found = [entry.report for entry in reports]
    _wait_for_index(client, {report["ingest_id"]: report["shards"] for report in found})
    return found


class _Patience:
    """Runs out when nothing has happened for a minute and no queue has any work left."""

    def __init__(self, client: StackClient) -> None:
        self._client = client
        self._until = 0.0
        self.renew()

    def renew(self) -> None:
        """Something happened."""
        self._until = time.monotonic() + _PATIENCE_SECONDS

    def check(self, waiting_for: str) -> None:
        """Raise LocalStackError when there is nothing to wait for."""
        if time.monotonic() < self._until:
            return
        if any(queue["waiting"] or queue["in_work"] for queue in self._client.queues().values()):
            self.renew()
            return
        told = f"Nothing happens any more, and {waiting_for}: see `reviewlens status`."
        raise LocalStackError(told)


class _Followed:
    """One ingest and its bar."""

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
        self._patience = _Patience(client)
        self.report: dict[str, Any] = {}

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to the ingest."""
        done = self.report.get("status") in _FINISHED
        if done and self._failed_before and self.report["finished_at"] == self._failed_before:
            return False
        return done and self.report["shards_processed"] >= self.report["shards"]

    def look(self) -> None:
        """Ask for the report and move the bar."""
        report = self._client.report(self._id)
        if report is None or report == self.report:
            self._patience.check(f"{self._key} is not processed")
            return
        self._patience.renew()
        self.report = report
        rows, shards, done = (report[name] for name in ("rows_read", "shards", "shards_processed"))
        if report["status"] in ("received", "collecting"):
            self._progress.update(self._task, completed=rows, phase="rows read")
        else:
            total = max(1, shards)
            phase = f"{report['status']}, {rows:,} rows"
            self._progress.update(
                self._task, total=total, completed=done if shards else total, phase=phase
            )


def _wait_for_index(client: StackClient, shards: Mapping[str, int]) -> None:
    patience = _Patience(client)
    with notes().status("  index") if is_interactive() else nullcontext():
        while not client.indexed(shards):
            patience.check("no index with these reviews came")
            time.sleep(_POLL_SECONDS)
