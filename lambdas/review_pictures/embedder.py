"""Gives pictures vectors beside the current model, of which no text and no index is read."""

import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

from shared.errors import ArtefactError, PictureError
from shared.runtime.fusion import head_of
from shared.runtime.loader import NO_MODEL
from shared.schemas.fusion import HEAD_FILE
from shared.schemas.manifest import Manifest
from shared.schemas.picture import Picture
from shared.serving.opinions import Opinions, opinions_of, tower_problem
from shared.serving.query_pictures import Floats, Pictures
from shared.serving.towers import Tower
from shared.storage import artefacts, layout
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
_UNAVAILABLE = "picture_unavailable"
_NO_PICTURE_MODEL = "no picture model is configured"


@dataclass(frozen=True, slots=True)
class Embedder:
    """Gives pictures vectors beside those of a text model, whose version it names.

    ``opinions`` says what pictures with these vectors say; None if the model has no fusion head.
    """

    model_version: str
    encode: Callable[[Picture], Floats]
    opinions: Opinions | None = None


class CurrentEmbedder:
    """The embedder of the model that the pointer names; thread-safe."""

    def __init__(self, store: ObjectStore, cache_dir: Path, pictures: Pictures | None) -> None:
        self._store, self._cache_dir, self._pictures = store, cache_dir, pictures
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None

    def open(self) -> Embedder:
        """The embedder; only a model with a joint space is downloaded, for its tower.

        Of a fused model, the head is read.

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
        tower = pictures.tower(manifest, folder)
        return Embedder(version, tower.encode, self._opinions(manifest, tower))

    def _opinions(self, manifest: Manifest, tower: Tower) -> Opinions | None:
        fusion = manifest.fusion
        if fusion is None:
            return None
        if problem := tower_problem(fusion, tower):
            log.warning("pictures of reviews say nothing: %s", problem)
            return None
        body, _ = self._store.get(layout.version_prefix("model", manifest.version) + HEAD_FILE)
        if hashlib.sha256(body).hexdigest() != manifest.files[HEAD_FILE].sha256:
            raise ArtefactError(f"{HEAD_FILE} of {manifest.version} is corrupt (SHA-256 differs)")
        head = head_of(manifest, BytesIO(body))
        return None if head is None else partial(opinions_of, head, fusion)
