"""Parts of resized pictures have the pixels that Pillow gives the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.Image import Resampling

from shared.pictures.prepare import prepare
from shared.pictures.resample import resize_rows
from shared.schemas.joint import Preparation

CLIP = {"crop": (224, 224), "scale": 1 / 255, "mean": (0.5,) * 3, "deviation": (0.25,) * 3}


def noise(height, width):
    return np.random.default_rng(height * 1000 + width).integers(
        0, 256, (height, width, 3), np.uint8
    )


@settings(max_examples=300)
@given(
    st.integers(1, 60),
    st.integers(1, 6),
    st.integers(1, 900),
    st.sampled_from(Resampling),
    st.data(),
)
def test_rows_of_any_size_and_filter_equal_those_of_pillow(height, width, size, how, data):
    first = data.draw(st.integers(0, size - 1))
    count = data.draw(st.integers(1, size - first))
    pixels = noise(height, width)
    whole = np.asarray(Image.fromarray(pixels).resize((width, size), how))
    np.testing.assert_array_equal(
        resize_rows(pixels, size, first, count, how), whole[first : first + count]
    )


@pytest.mark.parametrize("how", Resampling)
@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (3, 1000), (1001, 2)], ids=str)
def test_a_strip_is_prepared_as_if_it_were_resized_as_a_whole(shape, how):
    pixels = noise(*shape)
    height, width = (56 * side // min(shape) for side in shape)
    whole = np.asarray(Image.fromarray(pixels).resize((width, height), how))
    top, left = (height - 56) // 2, (width - 56) // 2
    rules = Preparation(**CLIP | {"shortest_side": 56, "crop": (56, 56), "resample": how.value})
    expected = whole[top : top + 56, left : left + 56] / np.float32(255)
    values = prepare(pixels, rules).transpose(1, 2, 0) * 0.25 + 0.5
    np.testing.assert_allclose(values, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(1024, 1), (1, 1024), (1024, 3), (9, 1024), (600, 800)], ids=str)
def test_no_shape_is_resized_to_more_than_a_million_pixels(shape, monkeypatch):
    rules = Preparation(**CLIP | {"shortest_side": 224, "resample": 3})
    resize, made = Image.Image.resize, []

    def recorded(image, size, *arguments):
        made.append(size[0] * size[1])
        return resize(image, size, *arguments)

    monkeypatch.setattr(Image.Image, "resize", recorded)
    assert prepare(noise(*shape), rules).shape == (3, 224, 224)
    assert max(made, default=0) <= 1_000_000
