"""Damaged pictures give a picture or PictureError and nothing else; ``make fuzz`` tries more."""

import random
from contextlib import suppress

import pytest
from PIL import Image

from shared.errors import PictureError
from shared.pictures.decode import decode
from shared.pictures.pixels import MAX_SHOWN_SIDE
from tests.fuzzing import EXAMPLES, SEED
from tests.pictures import drawn, opened, png, png_chunk, saved

EXIF = Image.Exif()
EXIF[0x0112] = 6
FRAMES = {"save_all": True, "append_images": [Image.new("RGB", (40, 30), "white")]}
SEEDS = {
    "JPEG": saved(drawn(), "JPEG", exif=EXIF),
    "progressive": saved(drawn(), "JPEG", progressive=True),
    "CMYK": saved(drawn(mode="CMYK"), "JPEG"),
    "PNG": saved(drawn(mode="RGBA"), "PNG", exif=EXIF),
    "palette": saved(drawn(mode="P"), "PNG", transparency=3),
    "16 bits": png(2, 2, b"\0abcd" * 2, bits=16, extra=png_chunk(b"tEXt", b"a\0b")),
    "APNG": saved(drawn(), "PNG", **FRAMES),
    "GIF": saved(drawn(), "GIF", **FRAMES),
    "WebP": saved(drawn(), "WebP", exif=EXIF),
    "lossless": saved(drawn(mode="RGBA"), "WebP", lossless=True),
    "AVIF": saved(drawn(), "AVIF", exif=EXIF),
    "animated AVIF": saved(drawn(), "AVIF", **FRAMES),
}


def damage(data, chance):
    """Flip, cut, repeat, insert and swap; mostly in the head, which says how to read the rest."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8])):
        at = int(len(data) * chance.random() ** chance.choice([1, 3]))
        length = chance.choice([1, 2, 4, 16])
        match chance.randrange(5):
            case 0:
                data[at : at + length] = chance.randbytes(length)
            case 1:
                del data[at : at + length * chance.choice([1, 20])]
            case 2:
                data[at:at] = data[at : at + length * 8]
            case 3:
                data[at : at + length] = chance.choice([b"\xff", b"\0", b"\x7f"]) * length
            case 4:
                data = data[: max(at, 1)]
    return bytes(data)


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", SEEDS)
def test_a_damaged_picture_gives_a_picture_or_an_error(kind):
    chance = random.Random(f"{SEED} {kind}")
    for _ in range(20 * EXAMPLES):
        with suppress(PictureError):
            picture = decode(damage(SEEDS[kind], chance))
            assert opened(picture).size == (picture.width, picture.height)
            assert max(picture.width, picture.height) <= MAX_SHOWN_SIDE
