"""Requests to undo an upload, and those that are not finished."""

from lambdas.collection.dependencies import Dependencies
from shared.db.ingest import undo
from shared.errors import NotFoundError
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import UndoIngest
from shared.schemas.undo import UndoState


def request_undo(dependencies: Dependencies, ingest_id: str) -> UndoState:
    """Have a worker undo an upload; repeating the request changes nothing.

    Raises:
        NotFoundError: no such ingest.
    """
    state = undo.request_undo(dependencies.database, ingest_id)
    if state is None:
        raise NotFoundError("ingest not found")
    if state.status is IngestStatus.UNDOING:
        dependencies.collection_queue.send([UndoIngest(ingest_id=ingest_id)])
    return state


def queue_unfinished(dependencies: Dependencies, idle_seconds: float) -> int:
    """Queue the uploads again whose removal stopped; returns their number."""
    ids = undo.unfinished(dependencies.database, idle_seconds)
    dependencies.collection_queue.send([UndoIngest(ingest_id=each) for each in ids])
    return len(ids)
