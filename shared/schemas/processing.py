"""The wire contract of processing: queued shards."""

from shared.schemas.api import Accepted


class ProcessAccepted(Accepted):
    """The number of open shards that were queued."""

    ingest_id: str
    shards: int
