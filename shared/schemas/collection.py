"""The wire contract of collection: queued ingests, reports, rejects and signed uploads."""

from datetime import datetime
from typing import Literal

from shared.schemas.documented import Documented
from shared.schemas.fields import NextCursor
from shared.schemas.ingest import IngestReport, Reject
from shared.schemas.undo import Receipt

DEFAULT_INGESTS = 50
"""Entries of an answer where the request has no limit; the client asks for as many."""


class CollectAccepted(Documented):
    """The queued ingests. Objects that are collected or being read are not queued."""

    message: str = "Data collection process started in the background"
    """What happens now, for a person; always the same sentence."""
    ingest_id: str | None
    """The first of ``ingest_ids``. Null if nothing was queued."""
    ingest_ids: list[str]
    """Ids of the ingests that were queued, for GET /collect/{ingest_id}."""
    objects: int
    """Number of objects that were queued; 0 if there is nothing to collect."""
    next_after: str | None = None
    """Key to send as ``after`` in the next request: not all objects were listed in the time. Null
    if all were."""


class IngestDetails(IngestReport):
    """The counts of an ingest, its first rejects, and the receipt if its upload is undone."""

    rejects: list[Reject]
    """The first 20 rejected rows, in the order of their records."""
    undo: Receipt | None = None
    """What was removed, if the upload is being undone or is undone. Null for any other."""


class RejectPage(Documented):
    """Rejected rows of an ingest."""

    rejects: list[Reject]
    """The rows in the order of their records."""
    next_after: int | None
    """Number of the last record of this page; send it as ``after`` for the next one. Null on the
    last page."""


class IngestList(Documented):
    """Ingests with their counts."""

    ingests: list[IngestReport]
    """The ingests, newest first."""
    next_cursor: NextCursor = None


class UploadTarget(Documented):
    """How to upload the file: POST a multipart form of ``fields``, with the bytes last as ``file``.

    The signature is valid for this key and up to ``max_bytes`` bytes, until ``expires_at``.
    """

    method: Literal["POST"] = "POST"
    """HTTP method of the upload."""
    url: str
    """Where to send the form; a bucket, not this API."""
    fields: dict[str, str]
    """Fields of the form with their values, to send unchanged and before the file."""
    key: str
    """Key that the object will have, in a folder that cannot be guessed; its ingest is listed by
    ``GET /collect?key=``."""
    expires_at: datetime
    """Moment (UTC) from which the signature is refused: 15 minutes after the request."""
    max_bytes: int
    """Largest size that the signature accepts, the ``bytes`` of the request."""
