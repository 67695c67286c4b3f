"""Events on EventBridge, to which rules of others react; a contract like the API."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from shared.schemas.ingest import IngestStatus

INGEST_FINISHED = "Ingest Finished"
"""``detail-type`` of the event of a finished ingest."""


class IngestFinished(BaseModel):
    """The ``detail`` of the event of an ingest that reached a final status."""

    version: Literal[1] = 1
    """A later version may add fields; one that changes the meaning of a field raises it."""
    ingest_id: str
    bucket: str
    key: str
    """Key of the uploaded object."""
    status: IngestStatus
    """``processed``, ``processed_with_warnings``, ``failed`` or ``undone``."""
    rows_read: int
    stored: int
    duplicates: int
    rejected: int
    shards: int
    shards_failed: int
    error_code: str | None
    """Why it failed; GET /collect/{ingest_id} has the details, which may quote reviews."""
    finished_at: datetime | None


def event_source(environment: str) -> str:
    """``source`` of the events of an environment, so that several can share a bus."""
    return f"reviewlens.{environment}"
