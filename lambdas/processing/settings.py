"""Settings of the processing function."""

from pathlib import Path
from tempfile import gettempdir

from pydantic import Field

from shared.settings.base import DatabaseSettings


class ProcessingSettings(DatabaseSettings):
    """Where clean shards are, where what the model made of them goes, and how it runs."""

    clean_bucket: str
    artefact_bucket: str
    processing_queue_url: str
    index_queue_url: str
    cache_dir: Path = Field(default_factory=lambda: Path(gettempdir()) / "reviewlens")
    encoder_threads: int = 0
    """0: from the function's memory."""
    pointer_refresh_seconds: float = 5.0
