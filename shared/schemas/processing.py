"""The wire contract of processing: queued shards, embeddings."""

from pydantic import BaseModel, ConfigDict

from shared.schemas.api import Accepted


class ProcessAccepted(Accepted):
    """The number of open shards that were queued."""

    ingest_id: str
    shards: int


class EmbeddingsResponse(BaseModel):
    """One vector of unit length per text, in their order."""

    model_config = ConfigDict(protected_namespaces=())

    embeddings: list[list[float]]
    model_version: str
