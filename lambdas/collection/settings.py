"""Settings of the collection function."""

from shared.settings.base import DatabaseSettings


class CollectionSettings(DatabaseSettings):
    """Where dumps come from, where clean shards go, and the limits in between."""

    raw_bucket: str
    clean_bucket: str
    reviewer_key_secret_id: str
    collection_queue_url: str
    processing_queue_url: str
    index_queue_url: str
    max_object_bytes: int = 50 * 2**30
    """Largest object that is read, as it lies in S3."""
    batch_rows: int = 10_000
    """Rows of one transaction and of one clean shard."""
