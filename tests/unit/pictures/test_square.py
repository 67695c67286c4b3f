"""A picture as a tower reads it: whole, in the middle of a white square."""

import numpy as np
import pytest
from PIL import Image

from shared.pictures.decode import decode
from shared.pictures.square import square_pixels
from tests.pictures import saved

SIZE = 64


def squared(width, height):
    picture = decode(saved(Image.new("RGB", (width, height), (200, 0, 0)), "PNG"))
    return square_pixels(picture, SIZE).astype(int)


def is_red(pixel):
    return pixel[0] > 180 and max(pixel[1:]) < 40


@pytest.mark.parametrize(("width", "height"), [(40, 20), (400, 200), (1, 1), (3000, 1), (1, 900)])
def test_every_shape_becomes_a_square_with_the_picture_in_the_middle(width, height):
    pixels = squared(width, height)
    assert pixels.shape == (SIZE, SIZE, 3)
    # one pixel wide or high, it is in the first of the two middle rows or columns
    middle = (SIZE - 1) // 2
    assert is_red(pixels[middle, middle])


def test_the_rest_is_white_on_both_sides():
    wide, high = squared(100, 50), squared(50, 100)
    np.testing.assert_array_equal(wide[[0, SIZE - 1]], 255)
    np.testing.assert_array_equal(high[:, [0, SIZE - 1]], 255)
    assert is_red(wide[SIZE // 2, 1])
    assert is_red(high[1, SIZE // 2])
