"""The shipped picture model beside the shipped text model."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from cdk.paths import ROOT
from shared.pictures.decode import decode
from shared.runtime.encoder import open_folder
from shared.runtime.pictures import PictureModel
from tests.pictures import saved

COLOURS = ("red", "blue", "green", "black")
TEXTS = [f"a {colour} t-shirt" for colour in COLOURS]
OTHERS = ["a silver watch", "a pair of sandals", "The battery died within an hour."]
SHIRT = (
    *((80, 60), (40, 80), (10, 140), (50, 160), (65, 130), (65, 270)),
    *((175, 270), (175, 130), (190, 160), (230, 140), (200, 80), (160, 60), (120, 85)),
)


@pytest.fixture(scope="module")
def texts():
    return open_folder(ROOT / "models" / "default")


@pytest.fixture(scope="module")
def pictures():
    return PictureModel(ROOT / "models" / "pictures")


def shirt(colour):
    image = Image.new("RGB", (240, 320), "white")
    ImageDraw.Draw(image).polygon(SHIRT, colour)
    return image


def test_a_drawn_shirt_is_nearest_to_its_own_description(texts, pictures):
    pictures.check(texts.manifest)
    vectors = texts.encode([*TEXTS, *OTHERS]).embeddings
    for number, colour in enumerate(COLOURS):
        vector = pictures.encode(decode(saved(shirt(colour), "PNG")))
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert (vectors @ vector).argmax() == number, colour


@pytest.mark.parametrize("kind", ["JPEG", "WebP", "GIF", "AVIF"])
def test_the_type_of_the_file_hardly_matters(pictures, kind):
    expected = pictures.encode(decode(saved(shirt("red"), "PNG")))
    vector = pictures.encode(decode(saved(shirt("red"), kind)))
    assert float(vector @ expected) > 0.9


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (2000, 2)])
def test_any_shape_of_picture_has_a_vector(pictures, size):
    vector = pictures.encode(decode(saved(Image.new("RGB", size, "black"), "PNG")))
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
