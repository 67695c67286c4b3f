"""A picture as the square of pixels that a picture tower reads, in training and in serving."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from shared.pictures.arrays import rgb_array
from shared.schemas.picture import Picture

_WHITE = (255, 255, 255)


def square_pixels(picture: Picture, size: int) -> NDArray[np.uint8]:
    """The whole picture in the middle of a white square: size x size x 3."""
    pixels = Image.fromarray(rgb_array(picture))
    factor = size / max(pixels.size)
    width, height = (max(1, round(side * factor)) for side in pixels.size)
    canvas = Image.new("RGB", (size, size), _WHITE)
    resized = pixels.resize((width, height), Resampling.BICUBIC)
    canvas.paste(resized, ((size - width) // 2, (size - height) // 2))
    return np.asarray(canvas, dtype=np.uint8)
