"""The wire contract of processing: queued shards."""

from shared.schemas.api import Accepted
from shared.schemas.fields import IngestId


class ProcessAccepted(Accepted):
    """The shards of an ingest that were queued."""

    ingest_id: IngestId
    shards: int
    """Number of shards that were queued; 0 if all are processed."""
