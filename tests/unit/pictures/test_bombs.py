"""Small files that would take much memory or time are refused before they are decoded."""

import re
import struct
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from PIL import Image

from shared.errors import PictureError
from shared.pictures.decode import decode
from shared.pictures.limits import webp_size
from tests.pictures import drawn, png, png_chunk, saved

HUGE = 30_000


def gif(width, height):
    data = bytearray(saved(drawn(), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def jpeg(width, height):
    data = saved(drawn(), "JPEG")
    at = re.search(rb"\xff\xc0\0\x11\x08", data).end()
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def webp(width, height):
    data = bytearray(saved(drawn(mode="RGBA"), "WebP", exif=b"Exif\0\0II*\0", lossless=True))
    assert data[12:16] == b"VP8X"
    data[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def avif(width, height):
    data = saved(drawn(), "AVIF")
    size = struct.pack(">II", 40, 30)
    assert size in data
    return data.replace(size, struct.pack(">II", width, height))


@pytest.mark.parametrize("make", [gif, jpeg, webp, lambda w, h: png(w, h, b"")], ids="GJWP")
def test_a_small_file_with_a_huge_size_takes_no_memory(make):
    tracemalloc.start()
    with pytest.raises(PictureError) as raised:
        decode(make(HUGE, HUGE))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert raised.value.code == "picture_too_large"
    assert "30,000 x 30,000 pixels" in raised.value.message
    assert peak < 5_000_000


def test_an_avif_with_a_huge_size_is_refused():
    with pytest.raises(PictureError):
        decode(avif(HUGE, HUGE))


@pytest.mark.parametrize("kind", ["lossy", "lossless", "extended"])
def test_the_size_of_a_webp_is_read_from_its_header(kind):
    options = {"exif": b"Exif\0\0II*\0"} if kind == "extended" else {}
    image = Image.new("RGB", (321, 123))
    assert webp_size(saved(image, "WebP", lossless=kind == "lossless", **options)) == (321, 123)


def test_a_file_with_too_many_bytes_is_refused():
    with pytest.raises(PictureError) as raised:
        decode(b"\xff\xd8\xff" + bytes(8_000_000))
    assert (raised.value.code, raised.value.message) == (
        "picture_too_large",
        "it has more than 8 MB",
    )


def test_a_jpeg_with_a_scan_after_the_other_is_refused():
    data = saved(drawn(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    scan = data[at:-2]
    with pytest.raises(PictureError) as raised:
        decode(data[:at] + scan * 200 + data[at:])
    assert "scans" in raised.value.message


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP", b"iTXt"])
def test_compressed_metadata_that_expands_does_not_take_memory(name):
    body = zlib.compress(bytes(200_000_000), 9)
    start = b"x\0\1\0\0\0" if name == b"iTXt" else b"x\0\0"
    data = png(8, 8, b"\0" + bytes(8) * 9, extra=png_chunk(name, start + body))
    tracemalloc.start()
    with suppress(PictureError):
        decode(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150_000_000


def test_pixels_that_expand_beyond_the_size_are_not_kept():
    picture = decode(png(8, 8, b"\0" + bytes(8) + bytes(50_000_000)))
    assert picture.width == 8
