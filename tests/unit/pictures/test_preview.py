"""The small copy of a picture in an answer."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from shared.http.fitting import MAX_ANSWER_BYTES
from shared.pictures.decode import decode
from shared.pictures.preview import preview_of
from tests.pictures import drawn, saved

_LAMBDA_BYTES = 6_000_000


@pytest.mark.parametrize(
    ("size", "shown"), [((40, 30), (40, 30)), ((900, 300), (256, 85)), ((3000, 1), (256, 1))]
)
def test_a_preview_is_a_jpeg_that_is_not_larger_than_256_pixels(size, shown):
    preview = preview_of(decode(saved(drawn(*size), "PNG")))
    image = Image.open(BytesIO(b64decode(preview.data)))
    assert (image.format, image.size) == ("JPEG", shown)
    assert (preview.media_type, preview.width, preview.height) == ("image/jpeg", *shown)


def test_a_preview_has_nothing_of_the_file():
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    preview = preview_of(decode(saved(drawn(), "JPEG", exif=exif, comment=b"by me")))
    data = b64decode(preview.data)
    assert b"home" not in data
    assert b"by me" not in data


def test_an_answer_has_room_for_a_preview_of_noise_beside_the_longest_list():
    black_or_white = np.random.default_rng(0).integers(0, 2, (256, 256), np.uint8) * 255
    preview = preview_of(decode(saved(Image.fromarray(black_or_white), "PNG")))
    assert MAX_ANSWER_BYTES + len(preview.data) < _LAMBDA_BYTES - 500_000
