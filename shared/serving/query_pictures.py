"""The picture of a request as a vector, beside that of its text."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from shared.errors import PictureError
from shared.pictures.preview import preview_of
from shared.runtime.encoder import Encoder
from shared.runtime.picture_tower import CurrentPictureTower
from shared.runtime.pictures import PictureModel
from shared.schemas.api import IMAGE, TEXT, Modality
from shared.schemas.manifest import Manifest
from shared.schemas.picture import Picture, PicturePreview, PictureRequest
from shared.serving.answers import IMAGE_IGNORED
from shared.serving.pictures import PictureReader, decode_base64
from shared.serving.towers import Tower, tower_beside

Floats = npt.NDArray[np.float32]
_PARALLEL_PICTURES = 4
_BATCH_SECONDS = 15.0
"""Time for the pictures of one request: API Gateway waits 29 s for the whole answer."""
_ONLY_DATA = "image_url was ignored because image_data is set"
_TOO_LATE = f"the pictures of a request may take {_BATCH_SECONDS:g} s together"


class WithPicture(Protocol):
    """A request that may have a picture; its bytes go before its address."""

    @property
    def image_url(self) -> str | None:
        """The address of the picture."""

    @property
    def image_data(self) -> str | None:
        """The bytes of the picture in base64."""


class Reading(NamedTuple):
    """A request's picture and its vector, if it can be used, and warnings about it."""

    vector: Floats | None = None
    warnings: tuple[str, ...] = ()
    picture: Picture | None = None
    tower: Tower | None = None

    @property
    def sha256(self) -> str:
        """Hash of the picture; empty without one."""
        return self.picture.sha256 if self.picture else ""

    def preview(self, *, shown: bool) -> PicturePreview | None:
        """The picture for the answer, if there is one and the request asks for it."""
        return preview_of(self.picture) if shown and self.picture else None


@dataclass(frozen=True, slots=True)
class Pictures:
    """Reads pictures by a function, and gives them vectors by a picture model.

    A text model with a joint space has its own picture tower; ``model`` serves the others.
    """

    reader: PictureReader
    model: PictureModel
    towers: CurrentPictureTower

    def read(self, request: WithPicture, text: Encoder) -> Reading:
        """Read the picture of a request; one that cannot be used is a warning.

        Args:
            request: the request.
            text: the model whose vectors the picture is compared with. If that is not possible,
                nothing is fetched or decoded.
        """
        both = request.image_url is not None and request.image_data is not None
        notes = (_ONLY_DATA,) if both else ()
        try:
            tower = self.tower(text.manifest, text.folder)
            picture = self.reader.read(_picture_request(request))
            return Reading(tower.encode(picture), notes, picture, tower)
        except PictureError as error:
            return Reading(warnings=(*notes, not_used(error.message)))

    def read_all(self, requests: Sequence[WithPicture], text: Encoder) -> list[Reading]:
        """Read the pictures of a batch, several at a time, within a time; see ``read``."""
        if not requests:
            return []
        pool = ThreadPoolExecutor(_PARALLEL_PICTURES, thread_name_prefix="pictures")
        pending = [pool.submit(self.read, request, text) for request in requests]
        wait(pending, timeout=_BATCH_SECONDS)
        pool.shutdown(wait=False, cancel_futures=True)
        return [_result(each) for each in pending]

    def tower(self, text: Manifest, folder: Path) -> Tower:
        """The tower beside a text model; see ``tower_beside``."""
        return tower_beside(text, folder, self.model, self.towers)


def not_used(reason: str) -> str:
    """The warning about a picture that was not used."""
    return f"the picture was not used: {reason}"


def _result(pending: "Future[Reading]") -> Reading:
    if pending.done() and not pending.cancelled():
        return pending.result()
    return Reading(warnings=(not_used(_TOO_LATE),))


def read_picture(request: WithPicture, pictures: Pictures | None, text: Encoder) -> Reading:
    """Read the picture of a request, if it has one.

    Args:
        request: the request.
        pictures: reads pictures; None if no picture model is loaded. Then nothing is fetched.
        text: the model whose vectors the picture is compared with.
    """
    if request.image_url is None and request.image_data is None:
        return Reading()
    if pictures is None:
        return Reading(warnings=(IMAGE_IGNORED,))
    return pictures.read(request, text)


def _picture_request(request: WithPicture) -> PictureRequest:
    if request.image_data is not None:
        return PictureRequest(data=decode_base64(request.image_data))
    return PictureRequest(url=request.image_url)


def query_vector(*vectors: Floats | None) -> Floats | None:
    """The direction between the vectors of a text and a picture; None if there is neither."""
    present = [vector for vector in vectors if vector is not None]
    if len(present) < 2:
        return present[0] if present else None
    total = np.sum(present, axis=0)
    # opposite vectors have no direction between them: then the first one counts
    length = float(np.linalg.norm(total))
    return (total / length).astype(np.float32) if length > 0 else present[0]


def modalities(text: Floats | None, picture: Floats | None) -> list[Modality]:
    """What an answer was computed from."""
    sides: tuple[tuple[Modality, Floats | None], ...] = ((TEXT, text), (IMAGE, picture))
    return [name for name, vector in sides if vector is not None]
