"""The wire contract of collection: what was queued, ingests, rejects, signed uploads."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from shared.schemas.ingest import IngestReport, Reject


class CollectAccepted(BaseModel):
    """What was queued. An object that is collected already, or being read, is not queued."""

    message: str = "Data collection process started in the background"
    ingest_id: str | None
    ingest_ids: list[str]
    objects: int


class IngestDetails(IngestReport):
    """The counts of an ingest, and its first rejects."""

    rejects: list[Reject]


class RejectPage(BaseModel):
    """Rejects in the order of their records; ``next_after`` requests the following page."""

    rejects: list[Reject]
    next_after: int | None


class IngestList(BaseModel):
    """Ingests, newest first."""

    ingests: list[IngestReport]


class UploadTarget(BaseModel):
    """Where the file goes: a multipart form of ``fields``, and last the bytes as ``file``.

    The signature is valid for this key and up to ``max_bytes`` bytes, until ``expires_at``.
    """

    method: Literal["POST"] = "POST"
    url: str
    fields: dict[str, str]
    key: str
    expires_at: datetime
    max_bytes: int
