"""Makes the serving state of a process; functions that run in one process share it."""

import threading
from functools import lru_cache
from pathlib import Path

from shared.serving.settings import ServingSettings
from shared.serving.state import ServingState

_making = threading.Lock()


def serving_state(settings: ServingSettings) -> ServingState:
    """The state over the real bucket; the same settings give the same one."""
    with _making:
        return _state(
            settings.artefact_bucket,
            settings.cache_dir,
            settings.encoder_threads,
            settings.pointer_refresh_seconds,
            settings.first_load_seconds,
        )


@lru_cache(maxsize=8)
def _state(
    bucket: str, cache_dir: Path, threads: int, refresh_seconds: float, first_seconds: float
) -> ServingState:
    from shared.runtime.threads import cores, encoder_threads
    from shared.storage.clients import client
    from shared.storage.objects import S3Store

    return ServingState(
        S3Store(client("s3"), bucket),
        cache_dir,
        threads=encoder_threads(threads),
        alone=threads or cores(),
        refresh_seconds=refresh_seconds,
        first_seconds=first_seconds,
    )
