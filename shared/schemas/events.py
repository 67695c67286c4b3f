"""Events on EventBridge, to which rules of others react; a contract like the API."""

from datetime import datetime
from typing import Literal

from shared.schemas.documented import Documented
from shared.schemas.fields import IngestId
from shared.schemas.ingest import IngestStatus

INGEST_FINISHED = "Ingest Finished"
"""``detail-type`` of the event of a finished ingest."""


class IngestFinished(Documented):
    """The ``detail`` of the event of an ingest that reached a final status."""

    version: Literal[1] = 1
    """A later version may add fields; one that changes the meaning of a field raises it."""
    ingest_id: IngestId
    bucket: str
    """Bucket of the uploaded object."""
    key: str
    """Key of the uploaded object."""
    status: IngestStatus
    """``processed``, ``processed_with_warnings``, ``failed`` or ``undone``."""
    rows_read: int
    """Rows of the object that were read: the sum of the three that follow."""
    stored: int
    """Rows that this ingest added as reviews."""
    duplicates: int
    """Rows of reviews that this or another upload had before."""
    rejected: int
    """Rows that could not be used."""
    shards: int
    """Number of parts into which the stored reviews were divided for processing."""
    shards_failed: int
    """How many of the ``shards`` failed in several attempts."""
    error_code: str | None
    """Why it failed; GET /collect/{ingest_id} has the details, which may quote reviews.
    Null unless it failed."""
    finished_at: datetime | None
    """When reading ended, in UTC, or the upload was undone. Null if reading never did."""


def event_source(environment: str) -> str:
    """``source`` of the events of an environment, so that several can share a bus."""
    return f"reviewlens.{environment}"
