"""The pixels of a picture as an array, for a model."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from shared.schemas.picture import Picture


def rgb_array(picture: Picture) -> NDArray[np.uint8]:
    """The pixels of a decoded picture: height x width x 3."""
    with JpegImageFile(BytesIO(picture.data)) as image:
        pixels: NDArray[Any] = np.asarray(image.convert("RGB"), dtype=np.uint8)
    return pixels
