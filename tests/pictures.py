"""Pictures for tests, drawn here."""

import struct
import zlib
from io import BytesIO

from PIL import Image


def drawn(width=40, height=30, mode="RGB"):
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image.convert(mode)


def saved(image, kind, **options):
    """The bytes of a file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(picture):
    """The kept picture as Pillow sees it."""
    return Image.open(BytesIO(picture.data))


def png_chunk(name, data):
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def png(width, height, rows, *, bits=8, colour=0, extra=b""):
    """A PNG of raw rows, which need not have the length that its size promises."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            extra,
            png_chunk(b"IDAT", zlib.compress(rows)),
            png_chunk(b"IEND", b""),
        ]
    )
