"""Creates the serving state of a process; functions in the same process share it."""

import threading
from functools import lru_cache
from pathlib import Path

from shared.serving.settings import ServingSettings
from shared.serving.state import ServingState

_lock = threading.Lock()


def serving_state(settings: ServingSettings) -> ServingState:
    """Return the serving state of the artefact bucket; equal settings share one state."""
    with _lock:
        return _state(
            settings.artefact_bucket,
            settings.cache_dir,
            settings.encoder_threads,
            settings.pointer_refresh_seconds,
            settings.first_load_seconds,
        )


@lru_cache(maxsize=8)
def _state(
    bucket: str, cache_dir: Path, threads: int, refresh_seconds: float, first_load_seconds: float
) -> ServingState:
    from shared.runtime.threads import cores, encoder_threads
    from shared.storage.clients import client
    from shared.storage.objects import S3Store

    return ServingState(
        S3Store(client("s3"), bucket),
        cache_dir,
        threads=encoder_threads(threads),
        idle_threads=threads or cores(),
        refresh_seconds=refresh_seconds,
        first_load_seconds=first_load_seconds,
    )
