"""A part of a resized picture, with the very pixels that Pillow would compute for the whole."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

Pixels = NDArray[np.uint8]
_Floats = NDArray[np.float64]
_BITS = 22
"""Pillow's weights are integers with so many bits behind the point."""
_CUBIC = -0.5


def resize_rows(pixels: Pixels, size: int, first: int, count: int, how: Resampling) -> Pixels:
    """Some of the rows that a picture has once it is ``size`` high: count x width x 3.

    Args:
        pixels: a picture, height x width x 3.
        size: the height of the whole resized picture.
        first: the first row.
        count: how many rows.
        how: the filter.
    """
    if how is Resampling.NEAREST:
        # Pillow adds the step up, whose rounding decides where a row is between two
        step = len(pixels) / size
        places = np.cumsum(np.concatenate([[step / 2], np.full(first + count - 1, step)]))
        return pixels[places[first:].astype(np.int64)]
    rows, weights = _weights(len(pixels), size, np.arange(first, first + count), how)
    total = np.full((count, *pixels.shape[1:]), 1 << (_BITS - 1), np.int64)
    for row, weight in zip(rows.T, weights.T, strict=True):
        total += weight[:, None, None] * pixels[row]
    resized: Pixels = np.clip(total >> _BITS, 0, 255).astype(np.uint8)
    return resized


def _weights(
    height: int, size: int, wanted: NDArray[np.int64], how: Resampling
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each wanted row (n, k): the rows that it is mixed from, and their integer weights."""
    weigh, support = _FILTERS[how]
    scale = height / size
    blur = max(scale, 1.0)
    reach = support * blur
    centres = (wanted + 0.5) * scale
    begin = np.maximum(np.trunc(centres - reach + 0.5).astype(np.int64), 0)
    end = np.minimum(np.trunc(centres + reach + 0.5).astype(np.int64), height)
    rows = begin[:, None] + np.arange(int((end - begin).max()))
    weights = weigh((rows - centres[:, None] + 0.5) / blur)
    weights[rows >= end[:, None]] = 0.0
    sums = weights.sum(1, keepdims=True)
    weights = np.divide(weights, sums, out=weights, where=sums != 0) * (1 << _BITS)
    return np.minimum(rows, height - 1), np.trunc(weights + np.copysign(0.5, weights)).astype(
        np.int64
    )


def _box(x: _Floats) -> _Floats:
    return ((x > -0.5) & (x <= 0.5)).astype(np.float64)


def _bilinear(x: _Floats) -> _Floats:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _hamming(x: _Floats) -> _Floats:
    inside = np.abs(x) < 1
    return np.where(inside, np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x)), 0.0)


def _bicubic(x: _Floats) -> _Floats:
    x = np.abs(x)
    near = ((_CUBIC + 2.0) * x - (_CUBIC + 3.0)) * x * x + 1
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * _CUBIC
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _lanczos(x: _Floats) -> _Floats:
    return np.where((x >= -3) & (x < 3), np.sinc(x) * np.sinc(x / 3), 0.0)


_FILTERS: Mapping[Resampling, tuple[Callable[[_Floats], _Floats], float]] = {
    Resampling.BOX: (_box, 0.5),
    Resampling.BILINEAR: (_bilinear, 1.0),
    Resampling.HAMMING: (_hamming, 1.0),
    Resampling.BICUBIC: (_bicubic, 2.0),
    Resampling.LANCZOS: (_lanczos, 3.0),
}
"""Filters, and how far each one reaches."""
