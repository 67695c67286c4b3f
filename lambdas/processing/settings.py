"""Settings of the processing function."""

from pathlib import Path
from tempfile import gettempdir

from pydantic import Field

from shared.schemas.ingest import MAX_SHARD_ATTEMPTS
from shared.settings.base import DatabaseSettings
from shared.settings.cascade import CascadeSettings
from shared.settings.events import EventSettings


class ProcessingSettings(CascadeSettings, EventSettings, DatabaseSettings):
    """Buckets, queues and model options of processing."""

    clean_bucket: str
    """Bucket of the clean shards."""
    artefact_bucket: str
    """Bucket of models, embeddings, indexes and pointers."""
    processing_queue_url: str
    """Queue of clean shards to process."""
    index_queue_url: str
    """Queue of requests for an index build."""
    cache_dir: Path = Field(default_factory=lambda: Path(gettempdir()) / "reviewlens")
    """Folder for downloaded artefacts."""
    encoder_threads: int = 0
    """Threads per encoder pass; 0: all cores in Lambda, one elsewhere."""
    pointer_refresh_seconds: float = 5.0
    """How long the current model version is cached."""
    max_shard_attempts: int = Field(default=MAX_SHARD_ATTEMPTS, ge=1)
    """Attempts at a shard after which it is failed, and only a redrive tries it again."""
    rescoring_shards: int = Field(default=50, ge=1)
    """Stored shards from which the flow of a training has a new model score them side by side;
    fewer are scored by its activation."""
