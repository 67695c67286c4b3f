"""Undoes one upload; every step can be repeated, and an interrupted run is continued."""

import logging

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.queueing import queue_marked
from lambdas.collection.undo.objects import delete_derived, delete_quarantined, delete_raw
from lambdas.collection.undo.remains import describe_remains
from shared.db import text_figures
from shared.db.ingest import undo
from shared.db.ingest.announcements import announce
from shared.db.ingest.bulk import require_no_reader
from shared.db.insights import rollups
from shared.errors import WaitingError
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import BuildIndex
from shared.schemas.undo import Receipt
from shared.storage import forgotten, layout

log = logging.getLogger(__name__)
_REFRESH_SECONDS = 240.0


def undo_ingest(dependencies: Dependencies, ingest_id: str) -> None:
    """Remove what came from an upload, if that was requested; repeating it changes nothing.

    Its rows go first. Then nothing is stored or embedded of it any more, and the objects follow.
    The index is built by another function: until no version holds a shard, this raises, and the
    message returns.

    Raises:
        WaitingError: a worker still collects the object or processes one of its shards, or an index
            still holds it; deliver the message again.
        UnavailableError: a dependency does not answer.
    """
    database = dependencies.database
    with database.lock(f"collect:{ingest_id}") as acquired:
        if not acquired:
            raise WaitingError("another worker is collecting this object or undoing its upload")
        state = undo.undo_state(database, ingest_id)
        if state is None or state.status is not IngestStatus.UNDOING:
            return
        forgotten.mark(dependencies.artefacts, ingest_id)
        require_no_reader(database, ingest_id)
        undo.delete_rows(database, ingest_id)
        delete_derived(dependencies, ingest_id)
        delete_quarantined(dependencies, ingest_id)
        delete_raw(dependencies, ingest_id)
        queue_marked(dependencies, ingest_id, failed=True)
        refresh_figures(dependencies)
        _require_no_index(dependencies, ingest_id)
        undo.finish(database, ingest_id, lambda receipt: describe_remains(dependencies, receipt))
    log.info("upload undone", extra={"ingest_id": ingest_id})
    announce(database, dependencies.ledger, dependencies.events, ingest_id)


def refresh_figures(dependencies: Dependencies) -> None:
    """Take deleted rows out of the figures; the sweep completes what takes longer.

    Raises:
        WaitingError: it takes longer.
    """
    for figures in (rollups, text_figures):
        if not figures.refresh(dependencies.database, seconds=_REFRESH_SECONDS):
            raise WaitingError("the figures are not up to date yet")


def _require_no_index(dependencies: Dependencies, ingest_id: str) -> None:
    """Request an index without the upload as long as a version holds a shard of it.

    Raises:
        WaitingError: a version still holds one.
    """
    folders = forgotten.holders(dependencies.artefacts, [ingest_id])
    if not folders:
        return
    names = {folder.removeprefix(layout.INDEXES).rstrip("/") for folder in folders}

    def add(receipt: Receipt) -> None:
        receipt.removed.index_versions = sorted({*receipt.removed.index_versions, *names})

    undo.update_receipt(dependencies.database, ingest_id, add)
    dependencies.index_queue.send([BuildIndex(reason=f"{ingest_id} is being undone")])
    raise WaitingError("an index still holds rows of the upload; a new one was requested")
