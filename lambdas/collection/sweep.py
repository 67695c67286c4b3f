"""The sweep: queues again the work whose events were lost."""

import logging
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.exclude.requests import delete_old_marks, queue_unfinished_exclusions
from lambdas.collection.pictures import sweep_pictures
from lambdas.collection.queueing import queue_objects
from lambdas.collection.undo.requests import queue_unfinished
from shared.db import text_figures
from shared.db.ingest.announcements import announce_due
from shared.db.insights import rollups
from shared.errors import ArtefactError
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.storage import artefacts, layout

log = logging.getLogger(__name__)
IDLE_SECONDS = 120.0
"""Age of the last heartbeat from which work counts as abandoned."""
LOST_SECONDS = 3600.0
"""Wait from which a shard counts as lost although workers are busy."""
_REFRESH_SECONDS = 240.0
_T = TypeVar("_T")


class SweepResult(NamedTuple):
    """Numbers of requeued ingests and shards, and whether a build was requested."""

    ingests: int
    shards: int
    index_requested: bool


class _Steps:
    """Runs the steps of a sweep independently: the others run although one fails."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []

    def run(self, name: str, step: Callable[[], _T], default: _T) -> _T:
        try:
            return step()
        except Exception as error:
            log.warning("sweep step %s failed", name, exc_info=True)
            self.failures.append(error)
            return default


def sweep(dependencies: Dependencies, *, force: bool = False) -> SweepResult:
    """Compare bucket and ledger; queue what is unknown, unfinished or processed by an old model.

    Args:
        dependencies: adapters of collection.
        force: ignore recent heartbeats, because no worker can be running (the stack just started).

    Returns:
        What was queued. When everything is processed, each sweep requests an index build, which
        does nothing when the index is current.

    Raises:
        Exception: the first error of a step, after all other steps have run; sweep again.
    """
    idle, lost = (0.0, 0.0) if force else (IDLE_SECONDS, LOST_SECONDS)
    steps, ledger = _Steps(), dependencies.ledger

    def queue_ingests() -> int:
        queued = queue_objects(dependencies, layout.UPLOADS, idle_seconds=idle, retry_failed=False)
        return len(queued.ingest_ids)

    def request_index() -> bool:
        if not ledger.all_processed():
            return False
        dependencies.index_queue.send([BuildIndex(reason="sweep")])
        return True

    def queue_shards(shards: list[ProcessShard]) -> int:
        dependencies.processing_queue.send(shards)
        return len(shards)

    steps.run("rows to remove", lambda: queue_unfinished_exclusions(dependencies, idle), 0)
    steps.run("marks of removed rows", lambda: delete_old_marks(dependencies), None)
    steps.run("uploads to undo", lambda: queue_unfinished(dependencies, idle), 0)
    result = SweepResult(
        steps.run("ingests", queue_ingests, 0),
        steps.run("shards", lambda: queue_shards(ledger.stale_shards(idle, lost)), 0)
        + steps.run("models", lambda: queue_shards(_outdated_shards(dependencies, lost)), 0),
        steps.run("index", request_index, default=False),
    )

    def announce_ends() -> int:
        return announce_due(dependencies.database, ledger, dependencies.events)

    steps.run("finished ingests", announce_ends, 0)
    steps.run("pictures", lambda: sweep_pictures(dependencies, force=force), 0)

    # last: refreshing may take long, and nothing else depends on it
    def refresh_rollups() -> bool:
        return rollups.refresh(dependencies.database, seconds=_REFRESH_SECONDS)

    def refresh_text_figures() -> bool:
        return text_figures.refresh(dependencies.database, seconds=_REFRESH_SECONDS)

    steps.run("rollups", refresh_rollups, default=False)
    steps.run("aspects and duplicates", refresh_text_figures, default=False)
    log.info("sweep: %d ingests, %d shards queued again", result.ingests, result.shards)
    if steps.failures:
        raise steps.failures[0]
    return result


def _outdated_shards(dependencies: Dependencies, age_seconds: float) -> list[ProcessShard]:
    """Reopen shards that an earlier model processed; the current one must embed them to serve."""
    try:
        model = artefacts.current(dependencies.artefacts, "model")
    except ArtefactError as error:
        log.warning("no shards reopened: %s", error.message)
        return []
    return dependencies.ledger.reopen(model.version, age_seconds) if model else []
