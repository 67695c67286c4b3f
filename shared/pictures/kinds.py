"""Detects the type of a picture from its content; names of files and media types do not count."""

from shared.errors import PictureError
from shared.schemas.picture import Kind

_ALLOWED = "allowed are JPEG, PNG, WebP, GIF and AVIF"
_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
_OTHERS = (
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\0\0\1\0", "ICO"),
    (b"\x1f\x8b", "gzip"),
    (b"PK", "zip"),
)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_AVIF_BRANDS = {b"avif", b"avis"}
_SEARCHED_BYTES = 1024


def detect(data: bytes) -> Kind:
    """The type of a picture.

    Raises:
        PictureError: it is not one of those that are read; names the type where it is known.
    """
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if _AVIF_BRANDS & _brands(data):
        return "AVIF"
    name = _name(data)
    if name is None:
        raise PictureError("picture_type", f"it is not a picture of a known type: {_ALLOWED}")
    raise PictureError("picture_type", f"its type is {name}: {_ALLOWED}")


def _brands(data: bytes) -> set[bytes]:
    """The brands of a file of the ISO family (AVIF, HEIC, MP4)."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), _SEARCHED_BYTES)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))}


def _name(data: bytes) -> str | None:
    """The name of a type that is not read, None if it is unknown."""
    if not data:
        return "an empty file"
    if brands := _brands(data):
        return "HEIC" if brands & _HEIC_BRANDS else "a video or another file of its family"
    start = data[:_SEARCHED_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<"):
        return "SVG" if b"<svg" in start else "HTML or XML"
    return next((name for signature, name in _OTHERS if data.startswith(signature)), None)
