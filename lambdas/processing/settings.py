"""Settings of the processing function."""

from pathlib import Path
from tempfile import gettempdir

from pydantic import Field

from shared.settings.base import DatabaseSettings


class ProcessingSettings(DatabaseSettings):
    """Where clean shards are, where what the model made of them goes, and how it runs."""

    clean_bucket: str
    """Bucket of the clean shards."""
    artefact_bucket: str
    """Bucket of models, embeddings, indexes and pointers."""
    processing_queue_url: str
    """Queue of clean shards to process."""
    index_queue_url: str
    """Queue of requests for an index build."""
    cache_dir: Path = Field(default_factory=lambda: Path(gettempdir()) / "reviewlens")
    """Where artefacts are downloaded to."""
    encoder_threads: int = 0
    """Threads of one encoder pass; 0: every core in Lambda, one elsewhere."""
    pointer_refresh_seconds: float = 5.0
    """How old the knowledge of which version is current may be."""
