"""The ledger's records of an ingest (one version of one uploaded object)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.schemas.pictures import PictureTotals

MAX_REJECT_SHARE = 0.2
"""Share of rejected rows above which an ingest ends with warnings, unless a setting changes it."""
CPU_SECONDS_PER_MB = 0.5
"""CPU time that reading may take for each MB, unless a setting changes it."""
CPU_SECONDS_FLOOR = 30.0
"""CPU time that every object may take, unless a setting changes it."""

MAX_FILE_BYTES = 10 * 2**30
"""Space for copies of a dump on the disk, unless a setting changes it."""
BULK_BYTES = 2**30
"""Size of an object from which on several workers read it, unless a setting changes it."""
MAX_RUN_ATTEMPTS = 5
"""Runs that store nothing after which an ingest is failed, unless a setting changes it."""
MAX_SHARD_ATTEMPTS = 5
"""Attempts at a shard after which it is failed, unless a setting changes it."""


class IngestStatus(StrEnum):
    """State of an ingest.

    ``failed``: the object could not be read, or only in part, or all its rows were rejected.
    ``processed_with_warnings``: it is processed, but more rows were rejected than expected, or a
    shard failed. ``undoing``: everything that came from it is being removed; ``undone``: it is.
    """

    RECEIVED = "received"
    COLLECTING = "collecting"
    COLLECTED = "collected"
    PROCESSED = "processed"
    PROCESSED_WITH_WARNINGS = "processed_with_warnings"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self.is_processed or self in (IngestStatus.FAILED, IngestStatus.UNDONE)

    @property
    def is_processed(self) -> bool:
        """Whether all stored rows are processed, or their shard failed."""
        return self in (IngestStatus.PROCESSED, IngestStatus.PROCESSED_WITH_WARNINGS)


class RejectReason(StrEnum):
    """Why a row was rejected. The values are stable, so clients may match on them."""

    MALFORMED = "malformed_record"
    TRUNCATED = "truncated_record"
    TOO_LONG = "record_too_long"
    TOO_COMPLEX = "record_too_complex"
    NO_TEXT = "text_missing"
    EXCLUDED = "excluded"
    """Its reviewer or product is excluded; such a reject has no raw text."""


class Reject(BaseModel):
    """One rejected row: its position in the file and its content."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int | None
    record: int
    reason: RejectReason
    detail: str
    raw: str


class FailedShard(BaseModel):
    """A part of an ingest that could not be processed; it is not tried again by itself."""

    part: int
    rows: int
    attempts: int
    reason: str
    failed_at: datetime


class BulkProgress(BaseModel):
    """A dump that several workers read at once, in ranges."""

    ranges: int
    ranges_stored: int
    ranges_failed: int
    records: int
    """Records of the whole dump; ``rows_read`` of them are stored so far."""
    cost_usd: float
    """Price of the Lambda time of reading so far, without steps that were killed."""


class IngestReport(BaseModel):
    """Counts of one ingest. Once collected, rows_read = stored + duplicates + rejected."""

    ingest_id: str
    bucket: str
    key: str
    etag: str
    status: IngestStatus
    format: str | None = None
    compression: str | None = None
    encoding: str | None = None
    dump_schema: str | None = None
    rows_read: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejects_by_reason: dict[str, int] = {}
    languages: dict[str, int] = {}
    """Processed reviews by language (ISO 639-1, or ``und`` where it is uncertain)."""
    shards: int = 0
    shards_processed: int = 0
    shards_failed: int = 0
    failed_shards: list[FailedShard] = []
    """The first 20 of them, and why. POST /process tries them again."""
    pictures: PictureTotals = PictureTotals()
    """Pictures of its reviews; zeros where none are fetched."""
    warnings: list[str] = []
    details: dict[str, Any] = {}
    """What the dump turned out to be, for example its rating scale."""
    bulk: BulkProgress | None = None
    error_code: str | None = None
    error_detail: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


def ingest_id_of(bucket: str, key: str, etag: str) -> str:
    """Deterministic id of one version of one object: a second delivery has the same ingest id.

    Returns:
        ``ing_`` and 24 hex digits.
    """
    from hashlib import sha256

    digest = sha256("\0".join((bucket, key, etag.strip('"'))).encode()).hexdigest()
    return f"ing_{digest[:24]}"
