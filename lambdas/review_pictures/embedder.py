"""Gives pictures vectors beside the current model, of which no text and no index is read."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.errors import PictureError
from shared.runtime.loader import NO_MODEL
from shared.schemas.picture import Picture
from shared.serving.query_pictures import Floats, Pictures
from shared.storage import artefacts
from shared.storage.objects import ObjectStore

_UNAVAILABLE = "picture_unavailable"
_NO_PICTURE_MODEL = "no picture model is configured"


@dataclass(frozen=True, slots=True)
class Embedder:
    """Gives pictures vectors beside those of a text model, whose version it names."""

    model_version: str
    encode: Callable[[Picture], Floats]


class CurrentEmbedder:
    """The embedder of the model that the pointer names; thread-safe."""

    def __init__(self, store: ObjectStore, cache_dir: Path, pictures: Pictures | None) -> None:
        self._store, self._cache_dir, self._pictures = store, cache_dir, pictures
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None

    def open(self) -> Embedder:
        """The embedder; only a model with a joint space is downloaded, for its tower.

        Raises:
            PictureError: no model is current, or it has no vectors for pictures.
            ArtefactError: the current model is damaged.
        """
        if self._pictures is None:
            raise PictureError(_UNAVAILABLE, _NO_PICTURE_MODEL)
        with self._lock:
            pointer = artefacts.current(self._store, "model")
            if pointer is None:
                raise PictureError(_UNAVAILABLE, NO_MODEL)
            if self._embedder is None or self._embedder.model_version != pointer.version:
                self._embedder = self._open(pointer.version, self._pictures)
            return self._embedder

    def _open(self, version: str, pictures: Pictures) -> Embedder:
        manifest, folder = artefacts.read_manifest(self._store, "model", version), self._cache_dir
        if manifest.joint is not None:
            folder = artefacts.fetch(self._store, "model", version, folder).folder
        return Embedder(version, pictures.tower(manifest, folder).encode)
