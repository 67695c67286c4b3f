"""Pixels of a picture as a tower of CLIP or SigLIP reads them, by its own rules."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling

from shared.pictures.resample import resize_rows
from shared.schemas.joint import Preparation

Floats = NDArray[np.float32]
_MAX_RESIZED_PIXELS = 1_000_000
"""Of a picture that is resized as a whole: a strip of 1,024 x 1 would become 51 million."""


def prepare(pixels: NDArray[np.uint8], how: Preparation) -> Floats:
    """The input of a picture tower: 3 x height x width.

    Args:
        pixels: a picture in RGB, height x width x 3.
        how: resizing, cropping, scaling and normalising.
    """
    image = _crop(_resize(Image.fromarray(pixels), how), how.crop)
    values: Floats = np.asarray(image, np.float32) * np.float32(how.scale)
    values -= np.asarray(how.mean, np.float32)
    values /= np.asarray(how.deviation, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def _resize(image: Image.Image, how: Preparation) -> Image.Image:
    """The resized picture; of a very long one, the middle, if no more is kept."""
    width, height = image.size
    resample = Resampling(how.resample)
    if how.size is not None:
        return image.resize((how.size[1], how.size[0]), resample)
    if how.shortest_side is None:
        return image
    short, long = how.shortest_side, how.shortest_side * max(width, height) // min(width, height)
    size = (long, short) if width > height else (short, long)
    if how.crop is None or long * short <= _MAX_RESIZED_PIXELS:
        return image.resize(size, resample)
    return _resize_middle(image, size, how.crop, resample)


def _resize_middle(
    image: Image.Image, size: tuple[int, int], crop: tuple[int, int], resample: Resampling
) -> Image.Image:
    """The middle of a picture that is too large to be resized as a whole, with the same pixels.

    Pillow as well resizes along the rows first, and rounds in between.
    """
    (width, height), kept = size, (min(crop[0], size[1]), min(crop[1], size[0]))
    columns = np.asarray(image).transpose(1, 0, 2)
    columns = resize_rows(columns, width, _start(width, kept[1]), kept[1], resample)
    rows = columns.transpose(1, 0, 2)
    return Image.fromarray(resize_rows(rows, height, _start(height, kept[0]), kept[0], resample))


def _crop(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    """The middle of a picture, with black around one that is smaller."""
    if size is None or (image.height, image.width) == size:
        return image
    left, top = (_start(side, kept) for side, kept in zip(image.size, reversed(size), strict=True))
    # what is outside of the picture becomes 0
    return image.crop((left, top, left + size[1], top + size[0]))


def _start(side: int, kept: int) -> int:
    """Where the middle begins; negative by what is missing, the larger half of it in front."""
    return (side - kept) // 2
