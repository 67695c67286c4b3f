"""The ledger's records of an ingest (one version of one uploaded object)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from shared.schemas.documented import Documented
from shared.schemas.fields import IngestId
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


class Reject(Documented):
    """One rejected row: its position in the file and its content."""

    model_config = ConfigDict(frozen=True)

    file: str
    """Key of the object or name of the file; a member of an archive is named after ``!``, as in
    ``archive.zip!member.csv``."""
    line: int | None
    """Line of the file at which the row begins, from 1. Null in formats without lines, such as
    Parquet and Excel."""
    record: int
    """Number of the row among all rows of the object, from 1."""
    reason: RejectReason
    """Kind of the flaw, for programs."""
    detail: str
    """What is wrong with the row, for a person."""
    raw: str
    """The row as the file has it, at most 4 KiB. Empty if its reviewer or product is excluded."""


class FailedShard(Documented):
    """A part of an ingest that could not be processed; it is not tried again by itself."""

    part: int
    """Number of the shard within its ingest, from 0."""
    rows: int
    """Number of stored reviews in it; no figure has a sentiment of them."""
    attempts: int
    """How often it was tried."""
    reason: str
    """Why the last attempt failed, for a person."""
    failed_at: datetime
    """When the last attempt failed, in UTC."""


class BulkProgress(Documented):
    """A dump that several workers read at once, in ranges."""

    ranges: int
    """Number of parts that the dump was divided into."""
    ranges_stored: int
    """How many of the ``ranges`` are read to their end."""
    ranges_failed: int
    """How many of the ``ranges`` cannot be read; POST /collect tries these again."""
    records: int
    """Records of the whole dump; ``rows_read`` of them are stored so far."""
    cost_usd: float
    """Price of the Lambda time of reading so far in US dollars, without steps that were killed."""


class IngestReport(Documented):
    """Counts of one ingest. Once collected, rows_read = stored + duplicates + rejected."""

    ingest_id: IngestId
    bucket: str
    """Bucket of the uploaded object."""
    key: str
    """Key of the uploaded object."""
    etag: str
    """ETag that S3 gave this version of the object, without quotes."""
    status: IngestStatus
    """How far it is. It moves from ``received`` over ``collecting`` and ``collected`` to one of
    the final ones."""
    format: str | None = None
    """Format of the dump, such as ``csv``, ``jsonl`` or ``parquet``; ``mixed`` for an archive of
    several. Null until it is known."""
    compression: str | None = None
    """How the object is packed, such as ``none``, ``gzip`` or ``gzip+tar``, the outermost first.
    Null until it is known."""
    encoding: str | None = None
    """Encoding of its text, such as ``utf-8``; ``mixed`` for an archive of several. Null until it
    is known."""
    dump_schema: str | None = None
    """Family of dumps by whose columns it was read, such as ``amazon2023``; ``mapped`` if the
    columns were matched by their names or a mapping. Null until it is known."""
    rows_read: int = 0
    """Rows read and committed so far."""
    stored: int = 0
    """Rows that this ingest added as reviews."""
    duplicates: int = 0
    """Rows of reviews that this or another upload had before."""
    rejected: int = 0
    """Rows that could not be used; GET /collect/{ingest_id}/rejects lists them."""
    rejects_by_reason: dict[str, int] = Field(default_factory=dict)
    """Reason → number of rejected rows; reasons without a row are left out."""
    languages: dict[str, int] = Field(default_factory=dict)
    """Language (ISO 639-1, or ``und`` where it is uncertain) → number of processed reviews."""
    shards: int = 0
    """Number of parts into which the stored reviews were divided for processing."""
    shards_processed: int = 0
    """How many of the ``shards`` a model has processed."""
    shards_failed: int = 0
    """How many of the ``shards`` failed in several attempts."""
    failed_shards: list[FailedShard] = Field(default_factory=list)
    """The first 20 of them, and why. POST /process tries them again."""
    pictures: PictureTotals = PictureTotals()
    """What became of the pictures of its reviews; zeros where none are fetched."""
    warnings: list[str] = Field(default_factory=list)
    """What a person should know of the dump, such as columns that are not used. Empty if there is
    nothing to say."""
    details: dict[str, Any] = Field(default_factory=dict)
    """What the dump turned out to be: the ``mapping`` that was given, the ``rating_scale`` and
    what it was decided on, ``date_order``, ``missing_fields``, ``unused_columns``, and the
    ``members`` of an archive, of which the later ones may be described briefly or, as
    ``members_left_out`` counts, not at all."""
    bulk: BulkProgress | None = None
    """Progress of a dump that is read in ranges: 1 GiB or more, on AWS. Null for any other."""
    error_code: str | None = None
    """Why the ingest failed, for programs, such as ``format_unknown``; docs/formats.md explains
    them. Null unless it failed."""
    error_detail: str | None = None
    """Why the ingest failed, for a person. Null unless it failed."""
    started_at: datetime | None = None
    """When reading began, in UTC. Null before."""
    finished_at: datetime | None = None
    """When reading ended, in UTC, or the upload was undone; reviews may still be processed then.
    Null before."""


def ingest_id_of(bucket: str, key: str, etag: str) -> str:
    """Deterministic id of one version of one object: a second delivery has the same ingest id.

    Returns:
        ``ing_`` and 24 hex digits.
    """
    from hashlib import sha256

    digest = sha256("\0".join((bucket, key, etag.strip('"'))).encode()).hexdigest()
    return f"ing_{digest[:24]}"
