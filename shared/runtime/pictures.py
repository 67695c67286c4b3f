"""The picture tower: vectors of pictures in the space of a text model, opened on first use."""

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.errors import ArtefactError, PictureError
from shared.pictures.square import square_pixels
from shared.runtime.session import open_session
from shared.schemas.manifest import Manifest
from shared.schemas.picture import Picture
from shared.schemas.picture_manifest import (
    EMBEDDING_OUTPUT,
    PICTURE_GRAPH,
    PIXELS_INPUT,
    PictureManifest,
)
from shared.storage.artefacts import MANIFEST, file_sha256
from shared.storage.refresh import RefreshTimer

Floats = npt.NDArray[np.float32]
_RETRY_SECONDS = 60.0


class PictureEncoder:
    """One open picture tower; thread-safe."""

    def __init__(self, folder: Path, manifest: PictureManifest, *, threads: int = 1) -> None:
        """Open a tower.

        Args:
            folder: folder with model.onnx.
            manifest: its manifest.
            threads: threads of a pass.

        Raises:
            ArtefactError: the graph is damaged, or is not the one of the manifest.
        """
        _verify(folder, manifest)
        try:
            self._session = open_session(folder / PICTURE_GRAPH, threads)
        except Exception as error:  # onnxruntime raises bare Exceptions
            raise ArtefactError(f"picture model {manifest.version} cannot be opened") from error
        self._size = manifest.size

    def encode(self, picture: Picture) -> Floats:
        """The unit vector of a picture, (d,)."""
        pixels = square_pixels(picture, self._size)
        (vectors,) = self._session.run([EMBEDDING_OUTPUT], {PIXELS_INPUT: pixels[None]})
        vector: Floats = vectors[0]
        return vector


class PictureModel:
    """The picture tower of a folder, of which nothing is read before the first picture.

    While it cannot be used, pictures are refused with the reason; it is tried again after a minute.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self._folder, self._threads = folder, threads
        self._lock = threading.Lock()
        self._timer = RefreshTimer(_RETRY_SECONDS)
        self._manifest: PictureManifest | None = None
        self._encoder: PictureEncoder | None = None
        self._problem = ""

    def check(self, text: Manifest) -> None:
        """Check that vectors of pictures can be compared with those of a text model.

        Raises:
            PictureError: they cannot, or the tower cannot be used now.
        """
        manifest = self._open()[0]
        if not manifest.fits(text):
            message = f"the vectors of {manifest.version} cannot be compared with {text.version}"
            raise PictureError("picture_unavailable", message)

    @property
    def version(self) -> str:
        """Version of the tower.

        Raises:
            PictureError: the tower cannot be used now.
        """
        return self._open()[0].version

    @property
    def sha256(self) -> str:
        """Hash of the tower's graph.

        Raises:
            PictureError: the tower cannot be used now.
        """
        return self._open()[0].graph_sha256

    def encode(self, picture: Picture) -> Floats:
        """The unit vector of a picture, (d,).

        Raises:
            PictureError: the tower cannot be used now.
        """
        encoder = self._open()[1]
        return encoder.encode(picture)

    def _open(self) -> tuple[PictureManifest, PictureEncoder]:
        with self._lock:
            if (self._manifest is None or self._encoder is None) and self._timer.is_due:
                self._load()
            if self._manifest is None or self._encoder is None:
                raise PictureError("picture_unavailable", self._problem)
            return self._manifest, self._encoder

    def _load(self) -> None:
        try:
            self._manifest = read_picture_manifest(self._folder)
            self._encoder = PictureEncoder(self._folder, self._manifest, threads=self._threads)
        except ArtefactError as error:
            self._problem = f"the picture model cannot be used: {error.message}"
            self._timer.restart()


def read_picture_manifest(folder: Path) -> PictureManifest:
    """The manifest of the tower in a folder.

    Raises:
        ArtefactError: there is none, or it is damaged.
    """
    try:
        return PictureManifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{MANIFEST} of the picture model cannot be read") from error


def _verify(folder: Path, manifest: PictureManifest) -> None:
    path = folder / PICTURE_GRAPH
    if not path.is_file() or file_sha256(path) != manifest.graph_sha256:
        raise ArtefactError(f"{PICTURE_GRAPH} of {manifest.version} is missing or corrupt")
