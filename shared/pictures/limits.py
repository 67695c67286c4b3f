"""Limits of a picture that are checked before anything is decoded."""

from shared.errors import PictureError

MAX_PIXELS = 50_000_000
"""Pixels of a picture; a decoded one takes 4 bytes for each, and its copies as many."""
MAX_SIDE = 65_535
"""Width and height in pixels; JPEG allows no more."""
_MAX_SCANS = 100
_MAX_SCANNED_PIXELS = 20 * MAX_PIXELS
"""A JPEG is decoded once for each of its scans, of which usual files have about ten."""


def check_bytes(size: int, limit: int) -> None:
    """Refuse more bytes than a picture may have."""
    if size > limit:
        message = f"it has more than {limit / 1e6:g} MB"
        raise PictureError("picture_too_large", message)


def check_size(width: int, height: int) -> None:
    """Refuse a picture with too many pixels, or without any."""
    if width < 1 or height < 1:
        raise PictureError("picture_damaged", "it has no pixels")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        message = (
            f"it has {width:,} x {height:,} pixels: at most {MAX_PIXELS // 1_000_000} million are "
            f"allowed, and {MAX_SIDE:,} in a row or column"
        )
        raise PictureError("picture_too_large", message)


def check_scans(data: bytes, pixels: int) -> None:
    """Refuse a JPEG that has more scans than its size explains."""
    # within coded data, FF is followed by 00, so this counts markers and a few chance hits
    scans = data.count(b"\xff\xda")
    if scans > _MAX_SCANS or scans * pixels > _MAX_SCANNED_PIXELS:
        message = f"it has {scans} scans for {pixels:,} pixels, more than a picture needs"
        raise PictureError("picture_too_large", message)


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP file: its decoder takes the memory when it opens the file."""
    if data[12:16] == b"VP8X":
        return _little(data[24:27]) + 1, _little(data[27:30]) + 1
    if data[12:16] == b"VP8L":
        bits = _little(data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if data[12:16] == b"VP8 ":
        return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
    raise PictureError("picture_damaged", "it is damaged or cut off")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
