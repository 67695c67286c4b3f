"""Which picture tower gives pictures vectors beside those of a text model."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.runtime.picture_tower import CurrentPictureTower
from shared.runtime.pictures import PictureModel
from shared.schemas.joint import PICTURE_TOWER
from shared.schemas.manifest import Manifest
from shared.schemas.picture import Picture

Floats = npt.NDArray[np.float32]


class Tower(NamedTuple):
    """What gives pictures vectors (d,): a version, and the hash of its graph."""

    version: str
    sha256: str
    encode: Callable[[Picture], Floats]


def tower_beside(
    text: Manifest, folder: Path, model: PictureModel, towers: CurrentPictureTower
) -> Tower:
    """The tower whose vectors can be compared with those of a text model.

    Args:
        text: the manifest of the model.
        folder: its verified folder, which has the tower of a model with a joint space.
        model: serves all other models.
        towers: opens towers of models with a joint space.

    Raises:
        PictureError: there is none for this model, or it cannot be used now.
    """
    if text.joint is not None:
        tower = towers.of(folder, text.joint)
        return Tower(text.version, text.files[PICTURE_TOWER].sha256, tower.encode)
    model.check(text)
    return Tower(model.version, model.sha256, model.encode)
