"""The sweep: what an event was lost for is queued again."""

import logging
from typing import NamedTuple

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.queueing import queue_objects
from shared.errors import ArtefactError
from shared.schemas.messages import BuildIndex, ProcessShard
from shared.storage import artefacts, layout

_LOG = logging.getLogger(__name__)
IDLE_SECONDS = 120.0
LOST_SECONDS = 3600.0


class Swept(NamedTuple):
    """How much was queued again."""

    ingests: int
    shards: int
    index_asked: bool


def sweep(dependencies: Dependencies, *, force: bool = False) -> Swept:
    """Compare bucket and ledger and queue again what is unknown, unfinished or of an old model.

    Args:
        dependencies: the ports.
        force: nobody can be at work (the stack just started): recent signs of life are void.

    Returns:
        What was queued. Once everything is processed a BuildIndex is sent each time: retrieval
        answers one that it does not need by doing nothing.
    """
    idle, lost = (0.0, 0.0) if force else (IDLE_SECONDS, LOST_SECONDS)
    ingests = queue_objects(dependencies, layout.UPLOADS, idle_seconds=idle, retry_failed=False)
    shards = dependencies.ledger.stale_shards(idle, lost)
    shards += _outdated(dependencies, lost)
    dependencies.processing_queue.send(shards)
    index = dependencies.ledger.all_processed()
    if index:
        dependencies.index_queue.send([BuildIndex(reason="sweep")])
    swept = Swept(len(ingests), len(shards), index)
    _LOG.info("swept: %d ingests, %d shards queued again", swept.ingests, swept.shards)
    return swept


def _outdated(dependencies: Dependencies, age_seconds: float) -> list[ProcessShard]:
    """Shards that an earlier model processed: the current one must embed them before it serves."""
    try:
        model = artefacts.current(dependencies.artefacts, "model")
    except ArtefactError as error:
        _LOG.warning("no shard is processed anew: %s", error.message)
        return []
    return dependencies.ledger.reopen(model.version, age_seconds) if model else []
