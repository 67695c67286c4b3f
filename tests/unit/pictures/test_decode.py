"""Pictures of all kinds: what is kept of them, and which are refused."""

import hashlib
import struct

import numpy as np
import pytest
from PIL import Image, ImageChops

from shared.errors import PictureError
from shared.pictures.arrays import rgb_array
from shared.pictures.decode import decode
from tests.pictures import drawn, opened, png, png_chunk, saved

RED, BLUE, WHITE = (254, 0, 0), (0, 0, 254), (255, 255, 255)


def near(pixel, colour):
    return all(abs(a - b) < 12 for a, b in zip(pixel, colour, strict=True))


def sides(picture):
    """The colours at the left and right edge, half way down."""
    image = opened(picture)
    assert image.mode == "RGB"
    middle = image.height // 2
    return image.getpixel((1, middle)), image.getpixel((image.width - 2, middle))


def refused(data, **options):
    with pytest.raises(PictureError) as raised:
        decode(data, **options)
    return raised.value.code, raised.value.message


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "CMYK"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "GIF", "AVIF"])
def test_a_picture_of_each_type_and_mode_is_read(kind, mode):
    try:
        data = saved(drawn(mode=mode), kind)
    except (OSError, ValueError):  # the type has no such mode
        data = saved(drawn(), kind)
    picture = decode(data)
    assert (picture.original_kind, picture.width, picture.height) == (kind, 40, 30)
    assert near(sides(picture)[0], RED)
    assert near(sides(picture)[1], BLUE)
    assert picture.sha256 == hashlib.sha256(picture.data).hexdigest()
    assert picture == decode(data)
    pixels = rgb_array(picture)
    assert (pixels.shape, pixels.dtype) == ((30, 40, 3), np.uint8)
    assert near(tuple(pixels[15, 1]), RED)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_is_read(mode, progressive):
    picture = decode(saved(drawn(mode=mode), "JPEG", progressive=progressive))
    left, right = sides(picture)
    assert near(left, (76,) * 3 if mode == "L" else RED)
    assert near(right, (29,) * 3 if mode == "L" else BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"])
def test_a_grey_or_transparent_png_is_read(mode):
    if mode == "PA":  # a palette with transparency
        data = saved(drawn(mode="P"), "PNG", transparency=bytes([255] * 256))
    elif mode == "I;16":
        rows = b"".join(b"\0" + struct.pack(">40H", *range(0, 65536, 1639)) for _ in range(30))
        data = png(40, 30, rows, bits=16)
    else:
        data = saved(drawn(mode=mode), "PNG")
    assert decode(data).width == 40


def test_sixteen_bits_of_grey_keep_their_scale():
    rows = b"".join(b"\0" + struct.pack(">40H", *[0x8000] * 20, *[0xFFFF] * 20) for _ in range(30))
    left, right = sides(decode(png(40, 30, rows, bits=16)))
    assert near(left, (128, 128, 128))
    assert near(right, WHITE)


def test_sixteen_bits_of_colour_with_a_transparent_one_are_read():
    rows = (b"\0" + struct.pack(">3H", 0xFFFF, 0, 0) * 40) * 30
    hole = png_chunk(b"tRNS", struct.pack(">3H", 0x1234, 0, 0))
    data = png(40, 30, rows, bits=16, colour=2, extra=hole)
    assert near(sides(decode(data))[0], RED)


@pytest.mark.parametrize("kind", ["PNG", "WebP", "GIF", "AVIF"])
def test_what_is_transparent_becomes_white(kind):
    image = drawn(mode="RGBA")
    image.paste((0, 0, 0, 0), (20, 0, 40, 30))
    options = {"lossless": True} if kind == "WebP" else {}
    left, right = sides(decode(saved(image, kind, **options)))
    assert near(left, RED)
    assert near(right, WHITE)


def test_half_transparent_grey_lies_on_white():
    image = Image.new("LA", (40, 30), (0, 128))
    assert near(sides(decode(saved(image, "PNG")))[0], (127, 127, 127))


@pytest.mark.parametrize("kind", ["PNG", "WebP", "GIF", "AVIF"])
def test_an_animation_gives_its_first_frame(kind):
    other = Image.new("RGB", (40, 30), "white")
    data = saved(drawn(), kind, save_all=True, append_images=[other, other], duration=100)
    assert near(sides(decode(data))[0], RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(kind, orientation):
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = drawn()
    image.paste("lime", (0, 20, 40, 30))
    stored = image.transpose(undone[orientation]) if orientation in undone else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(saved(stored, kind, exif=exif, quality=95))
    assert (picture.width, picture.height) == (40, 30)
    difference = np.asarray(ImageChops.difference(opened(picture), image))
    assert difference.mean() < 12


def test_damaged_exif_does_not_matter():
    data = saved(drawn(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\x01\0")
    assert near(sides(decode(data))[0], RED)


def test_metadata_is_dropped():
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    data = saved(drawn(), "JPEG", exif=exif, comment=b"taken at home", icc_profile=b"taken at home")
    assert data.count(b"taken at home") == 3
    picture = decode(data)
    assert b"taken" not in picture.data
    assert opened(picture).info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize(
    ("width", "height", "kept"),
    [(1, 1, (1, 1)), (20_000, 1, (1024, 1)), (1, 20_000, (1, 1024)), (3000, 1500, (1024, 512))],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_of_any_shape_is_read(kind, width, height, kept):
    picture = decode(saved(Image.new("RGB", (width, height), "red"), kind))
    assert (picture.width, picture.height) == kept
    assert (picture.original_width, picture.original_height) == (width, height)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "GIF", "AVIF"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_refused(kind, share):
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    data = saved(noise, kind)
    code, _ = refused(data[: int(len(data) * share)])
    assert code == "picture_damaged"


ODD = {
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "HTML or XML": b"\xef\xbb\xbf <!doctype html><p>x",
    "PDF": b"%PDF-1.7\n",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "BMP": saved(drawn(), "BMP"),
    "TIFF": saved(drawn(), "TIFF"),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "ICO": saved(drawn(), "ICO"),
    "gzip": b"\x1f\x8b\x08\0",
    "an empty file": b"",
}


@pytest.mark.parametrize("name", ODD)
def test_another_type_is_refused_by_its_name(name):
    code, message = refused(ODD[name])
    assert code == "picture_type"
    assert message == f"its type is {name}: allowed are JPEG, PNG, WebP, GIF and AVIF"


def test_an_unknown_type_is_refused():
    code, message = refused(b"some text")
    assert (code, message[:39]) == ("picture_type", "it is not a picture of a known type: al")


def test_a_video_is_not_an_avif():
    assert "video" in refused(b"\0\0\0\x18ftypisom\0\0\0\0isommp42")[1]
