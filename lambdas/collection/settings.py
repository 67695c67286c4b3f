"""Settings of the collection function."""

from pydantic import Field

from shared.settings.base import DatabaseSettings


class CollectionSettings(DatabaseSettings):
    """Where dumps come from, where clean shards go, and the limits in between."""

    raw_bucket: str
    """Bucket that dumps are put into."""
    clean_bucket: str
    """Bucket of the clean shards."""
    artefact_bucket: str
    """Bucket of models and embeddings: which model is current, and what shards left behind."""
    reviewer_key_secret_id: str
    """Secret with the key (hex) that reviewers' identities are hashed with."""
    collection_queue_url: str
    """Queue of objects to collect."""
    processing_queue_url: str
    """Queue of clean shards to process."""
    index_queue_url: str
    """Queue of requests for an index build."""
    max_object_bytes: int = 50 * 2**30
    """Largest object that is read, as it lies in S3."""
    max_upload_bytes: int = Field(default=2**30, ge=1, le=5 * 10**9)
    """Largest upload that POST /uploads signs; S3 takes 5 GB in one POST."""
    batch_rows: int = 10_000
    """Rows of one transaction and of one clean shard."""
