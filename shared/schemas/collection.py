"""The wire contract of collection: queued ingests, reports, rejects and signed uploads."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from shared.schemas.ingest import IngestReport, Reject
from shared.schemas.undo import Receipt

DEFAULT_INGESTS = 50
"""Entries of an answer where the request has no limit; the client asks for as many."""


class CollectAccepted(BaseModel):
    """The queued ingests. Objects that are collected or being read are not queued."""

    message: str = "Data collection process started in the background"
    ingest_id: str | None
    ingest_ids: list[str]
    objects: int
    next_after: str | None = None
    """Key to send as ``after`` in the next request: not all objects were listed in the time."""


class IngestDetails(IngestReport):
    """The counts of an ingest, its first rejects, and the receipt if its upload is undone."""

    rejects: list[Reject]
    undo: Receipt | None = None


class RejectPage(BaseModel):
    """Rejects in the order of their records; ``next_after`` requests the following page."""

    rejects: list[Reject]
    next_after: int | None


class IngestList(BaseModel):
    """Ingests, newest first; ``next_cursor`` requests the following ones."""

    ingests: list[IngestReport]
    next_cursor: str | None = None


class UploadTarget(BaseModel):
    """How to upload the file: POST a multipart form of ``fields``, with the bytes last as ``file``.

    The signature is valid for this key and up to ``max_bytes`` bytes, until ``expires_at``.
    """

    method: Literal["POST"] = "POST"
    url: str
    fields: dict[str, str]
    key: str
    expires_at: datetime
    max_bytes: int
