"""The picture tower of a model with a joint space, opened with the first picture."""

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.errors import ArtefactError, PictureError
from shared.pictures.arrays import rgb_array
from shared.pictures.prepare import prepare
from shared.runtime.session import open_session
from shared.schemas.joint import PICTURE_TOWER, PIXELS_INPUT, VECTOR_OUTPUT, JointSpace
from shared.schemas.picture import Picture
from shared.storage.refresh import LastGoodVersion

Floats = npt.NDArray[np.float32]


class PictureTower:
    """The picture tower in a verified model folder; thread-safe."""

    def __init__(self, folder: Path, joint: JointSpace, *, threads: int = 1) -> None:
        """Open the tower; onnxruntime raises bare Exceptions."""
        self._preparation = joint.picture
        self._session = open_session(folder / PICTURE_TOWER, threads)

    def encode(self, picture: Picture) -> Floats:
        """The unit vector of a picture, (d,)."""
        pixels = prepare(rgb_array(picture), self._preparation)
        (vectors,) = self._session.run([VECTOR_OUTPUT], {PIXELS_INPUT: pixels[None]})
        vector: Floats = vectors[0]
        return vector


class CurrentPictureTower:
    """The picture tower of the model in use: one is open, that of the last request."""

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._tower: LastGoodVersion[PictureTower] | None = None
        self._folder: Path | None = None

    def of(self, folder: Path, joint: JointSpace) -> PictureTower:
        """The tower of a model; one that cannot be opened is tried again after a minute.

        Args:
            folder: a verified folder; its name is that of the version.
            joint: the joint space of its manifest.

        Raises:
            PictureError: the tower cannot be opened.
        """
        with self._lock:
            if self._tower is None or self._folder != folder:
                # the one before is closed first, as both may not fit into the memory
                self._folder = folder
                self._tower = LastGoodVersion(lambda _: self._load(folder, joint))
            try:
                return self._tower.open(folder.name)
            except ArtefactError as error:
                raise PictureError("picture_unavailable", error.message) from error

    def _load(self, folder: Path, joint: JointSpace) -> PictureTower:
        try:
            return PictureTower(folder, joint, threads=self._threads)
        except Exception as error:  # onnxruntime raises bare Exceptions
            raise ArtefactError(f"the picture tower of {folder.name} cannot be opened") from error
