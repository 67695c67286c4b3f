"""The sweep: what an event was lost for is queued again."""

import logging
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.queueing import queue_objects
from shared.db import text_figures
from shared.db.insights import rollups
from shared.errors import ArtefactError
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.storage import artefacts, layout

log = logging.getLogger(__name__)
IDLE_SECONDS = 120.0
LOST_SECONDS = 3600.0
_FIGURES_SECONDS = 240.0
_T = TypeVar("_T")


class Swept(NamedTuple):
    """How much was queued again."""

    ingests: int
    shards: int
    index_asked: bool


class _Parts:
    """Does the parts of a sweep by themselves: one that fails leaves the others at work."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []

    def do(self, name: str, work: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return work()
        except Exception as error:
            log.warning("the sweep of %s failed", name, exc_info=True)
            self.failures.append(error)
            return otherwise


def sweep(dependencies: Dependencies, *, force: bool = False) -> Swept:
    """Compare bucket and ledger and queue again what is unknown, unfinished or of an old model.

    Args:
        dependencies: the ports.
        force: nobody can be at work (the stack just started): recent signs of life are void.

    Returns:
        What was queued. Once everything is processed a BuildIndex is sent each time: retrieval
        answers one that it does not need by doing nothing.

    Raises:
        Exception: the first that stopped a part, once every other part is done; sweep again.
    """
    idle, lost = (0.0, 0.0) if force else (IDLE_SECONDS, LOST_SECONDS)
    parts, ledger = _Parts(), dependencies.ledger

    def ingests() -> int:
        return len(
            queue_objects(dependencies, layout.UPLOADS, idle_seconds=idle, retry_failed=False)
        )

    def index() -> bool:
        if not ledger.all_processed():
            return False
        dependencies.index_queue.send([BuildIndex(reason="sweep")])
        return True

    def send(shards: list[ProcessShard]) -> int:
        dependencies.processing_queue.send(shards)
        return len(shards)

    swept = Swept(
        parts.do("ingests", ingests, 0),
        parts.do("shards", lambda: send(ledger.stale_shards(idle, lost)), 0)
        + parts.do("models", lambda: send(_outdated(dependencies, lost)), 0),
        parts.do("the index", index, otherwise=False),
    )

    # last: it may take a while, and nothing else waits for it
    def figures() -> bool:
        return rollups.refresh(dependencies.database, seconds=_FIGURES_SECONDS)

    def aspects_and_copies() -> bool:
        return text_figures.refresh(dependencies.database, seconds=_FIGURES_SECONDS)

    parts.do("figures", figures, otherwise=False)
    parts.do("aspects and copies", aspects_and_copies, otherwise=False)
    log.info("swept: %d ingests, %d shards queued again", swept.ingests, swept.shards)
    if parts.failures:
        raise parts.failures[0]
    return swept


def _outdated(dependencies: Dependencies, age_seconds: float) -> list[ProcessShard]:
    """Shards that an earlier model processed: the current one must embed them before it serves."""
    try:
        model = artefacts.current(dependencies.artefacts, "model")
    except ArtefactError as error:
        log.warning("no shard is processed anew: %s", error.message)
        return []
    return dependencies.ledger.reopen(model.version, age_seconds) if model else []
