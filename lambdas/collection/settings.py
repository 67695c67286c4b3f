"""Settings of the collection function."""

from pydantic import Field

from shared.schemas.ingest import (
    BULK_BYTES,
    CPU_SECONDS_FLOOR,
    CPU_SECONDS_PER_MB,
    MAX_FILE_BYTES,
    MAX_REJECT_SHARE,
    MAX_RUN_ATTEMPTS,
)
from shared.settings.base import DatabaseSettings
from shared.settings.events import EventSettings
from shared.settings.pictures import ReviewPictureSettings


class CollectionSettings(ReviewPictureSettings, EventSettings, DatabaseSettings):
    """Buckets, queues and limits of collection."""

    raw_bucket: str
    """Bucket of uploaded dumps."""
    clean_bucket: str
    """Bucket of the clean shards."""
    artefact_bucket: str
    """Bucket of models and embeddings, to read the current model and delete orphaned embeddings."""
    reviewer_key_secret_id: str
    """Secret with the key (hex) for hashing reviewer identities, or ``file:`` and a path."""
    collection_queue_url: str
    """Queue of objects to collect."""
    processing_queue_url: str
    """Queue of clean shards to process."""
    index_queue_url: str
    """Queue of requests for an index build."""
    pictures_queue_url: str = ""
    """Queue of pictures of reviews; empty: none are fetched."""
    max_object_bytes: int = 50 * 2**30
    """Largest object to read, in bytes as stored in S3."""
    max_upload_bytes: int = Field(default=2**30, ge=1, le=5 * 10**9)
    """Largest upload that POST /uploads signs; S3 accepts 5 GB in one POST."""
    uploads_at_api: bool = False
    """Whether callers upload to ``/<raw bucket>`` at the host that they ask, where a proxy forwards
    it to S3: for an endpoint of S3 that they cannot reach."""
    cpu_seconds_per_mb: float = Field(default=CPU_SECONDS_PER_MB, gt=0)
    """CPU time that reading may take for each MB of an object; the rest is not read."""
    cpu_seconds_floor: float = Field(default=CPU_SECONDS_FLOOR, gt=0)
    """CPU time that reading may take for an object of any size, in seconds."""
    old_version_days: int = Field(default=0, ge=0)
    """Days for which the buckets keep deleted objects; 0: they keep none. For receipts."""
    backup_days: int = Field(default=0, ge=0)
    """Days for which backups and their copies are kept; 0: there are none. For receipts."""
    bulk_machine_arn: str = ""
    """State machine that reads huge dumps in ranges; empty: one run after another reads them."""
    bulk_bytes: int = Field(default=BULK_BYTES, ge=1)
    """Size of an object from which on the state machine reads it, in bytes as stored in S3."""
    batch_rows: int = 10_000
    """Rows per transaction and per clean shard."""
    max_file_bytes: int = Field(default=MAX_FILE_BYTES, ge=2**20)
    """Space on the disk for the copy of a Parquet, zip or Excel file, in bytes."""
    max_run_seconds: float = Field(default=900.0, gt=0)
    """Time of one run, if the function's timeout is not shorter; the next run goes on after it."""
    max_run_attempts: int = Field(default=MAX_RUN_ATTEMPTS, ge=1)
    """Runs in a row that store nothing, after which an ingest is failed."""
    max_reject_share: float = Field(default=MAX_REJECT_SHARE, ge=0, le=1)
    """Share of rejected rows above which an ingest ends as processed_with_warnings."""
