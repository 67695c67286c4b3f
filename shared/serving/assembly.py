"""Creates the serving state of a process; functions in the same process share it."""

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.serving.settings import ServingSettings
from shared.serving.state import ServingState

if TYPE_CHECKING:
    from shared.runtime.picture_tower import CurrentPictureTower
    from shared.runtime.pictures import PictureModel
    from shared.serving.query_pictures import Pictures

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
            settings.swap_delay_seconds,
        )


def picture_model(settings: ServingSettings) -> "Pictures | None":
    """What reads pictures and gives them vectors; None without a model or a function for them.

    Nothing is opened yet. Functions in the same process share the models.
    """
    from shared.serving.pictures import InvokedPictureReader
    from shared.serving.query_pictures import Pictures
    from shared.storage.clients import function_client

    function, folder = settings.image_fetch_function, settings.picture_model_dir
    if not function or not folder:
        return None
    model, towers = _picture_models(folder, settings.encoder_threads)
    return Pictures(InvokedPictureReader(function_client, function), model, towers)


@lru_cache(maxsize=8)
def _picture_models(folder: str, threads: int) -> "tuple[PictureModel, CurrentPictureTower]":
    from shared.runtime.picture_tower import CurrentPictureTower
    from shared.runtime.pictures import PictureModel
    from shared.runtime.threads import cores

    threads = threads or cores()
    return PictureModel(Path(folder), threads=threads), CurrentPictureTower(threads=threads)


@lru_cache(maxsize=8)
def _state(
    bucket: str,
    cache_dir: Path,
    threads: int,
    refresh_seconds: float,
    first_load_seconds: float,
    swap_delay_seconds: float,
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
        swap_delay_seconds=swap_delay_seconds,
    )
