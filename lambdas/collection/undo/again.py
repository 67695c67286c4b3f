"""Collects an object anew whose upload was undone before."""

import logging

from lambdas.collection.dependencies import Dependencies
from shared.db.ingest import undo
from shared.errors import NotFoundError
from shared.schemas.ingest import IngestStatus
from shared.storage import forgotten

log = logging.getLogger(__name__)


def may_collect(dependencies: Dependencies, ingest_id: str, key: str, etag: str) -> bool:
    """Whether an object may be collected; the caller holds the lock of its ingest.

    One that is being undone may not. One that was undone may if it is there: it was uploaded again,
    and its ingest starts as a new one.
    """
    state = undo.undo_state(dependencies.database, ingest_id)
    if state is None:
        return True
    if state.status is IngestStatus.UNDOING or not _is_there(dependencies, key, etag):
        log.info("object skipped, its upload is %s", state.status, extra={"ingest_id": ingest_id})
        return False
    forgotten.unmark(dependencies.artefacts, ingest_id)
    undo.reopen(dependencies.database, ingest_id)
    return True


def _is_there(dependencies: Dependencies, key: str, etag: str) -> bool:
    try:
        return dependencies.raw.head(key).etag == etag.strip('"')
    except NotFoundError:
        return False
