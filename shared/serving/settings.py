"""Settings that every function which answers queries has."""

from pathlib import Path
from tempfile import gettempdir

from pydantic import Field

from shared.settings.base import ServiceSettings


class ServingSettings(ServiceSettings):
    """Where models and indexes come from, and how they run."""

    artefact_bucket: str
    """Bucket of models, embeddings, indexes and pointers."""
    cache_dir: Path = Field(default_factory=lambda: Path(gettempdir()) / "reviewlens")
    """Where artefacts are downloaded to."""
    encoder_threads: int = Field(default=0, ge=0)
    """Threads of one encoder pass; 0: one, but all cores in Lambda and for a pass running alone."""
    first_load_seconds: float = Field(default=20.0, gt=0)
    """How long a request waits for model and index in a new process, before it is told to ask
    again: API Gateway waits 29 s, and the load goes on meanwhile."""
    pointer_refresh_seconds: float = Field(default=5.0, ge=0)
    """How old the knowledge of which versions are current may be."""
