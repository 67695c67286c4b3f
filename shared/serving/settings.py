"""Settings of the functions that answer queries."""

from pathlib import Path
from tempfile import gettempdir

from pydantic import Field

from shared.settings.base import ServiceSettings


class ServingSettings(ServiceSettings):
    """Source of models and indexes, and how they run."""

    artefact_bucket: str
    """Bucket of models, embeddings, indexes and pointers."""
    cache_dir: Path = Field(default_factory=lambda: Path(gettempdir()) / "reviewlens")
    """Folder for downloaded artefacts."""
    encoder_threads: int = Field(default=0, ge=0)
    """Threads per encoder pass; 0: one, but all cores on Lambda and while no other pass runs."""
    first_load_seconds: float = Field(default=20.0, gt=0)
    """How long a request to a new process waits for model and index before it fails with status
    503: API Gateway waits 29 s. The load continues in the background."""
    pointer_refresh_seconds: float = Field(default=5.0, ge=0)
    """Interval at which the pointers are read again."""
    swap_delay_seconds: float = Field(default=300.0, ge=0)
    """Longest random delay, on Lambda, before a process takes no requests to load a large version:
    ten times a load, so that a tenth of the processes load at the same time, but at most this."""
    image_fetch_function: str = ""
    """Name of the function that reads pictures for the picture model; empty: none."""
    picture_model_dir: str = ""
    """Folder of the picture model (``models/pictures``); empty: pictures are not used."""
