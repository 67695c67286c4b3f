"""Decodes the bytes of a picture, whatever way they came in."""

import hashlib
from collections.abc import Callable, Mapping
from io import BytesIO

from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from shared.errors import PictureError
from shared.pictures import limits, pixels
from shared.pictures.kinds import detect
from shared.schemas.picture import MAX_PICTURE_BYTES, Kind, Picture

_QUALITY = 92
# not Image.open: it would try other formats, and checks sizes by limits of its own
_OPENERS: Mapping[Kind, Callable[[BytesIO], ImageFile]] = {
    "AVIF": AvifImageFile,
    "GIF": GifImageFile,
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
}


def decode(data: bytes, *, max_bytes: int = MAX_PICTURE_BYTES) -> Picture:
    """Decode a picture and encode it anew; of an animation, its first frame.

    Args:
        data: the bytes of the file.
        max_bytes: how many there may be.

    Returns:
        The picture in RGB, without any metadata.

    Raises:
        PictureError: it is too large, of another type, damaged or cut off.
    """
    limits.check_bytes(len(data), max_bytes)
    kind = detect(data)
    try:
        return _decode(kind, data)
    except PictureError:
        raise
    except Exception as error:  # Pillow raises nearly every kind of error for damaged files
        raise PictureError("picture_damaged", "it is damaged or cut off") from error


def _decode(kind: Kind, data: bytes) -> Picture:
    if kind == "WebP":
        limits.check_size(*limits.webp_size(data))
    with _OPENERS[kind](BytesIO(data)) as image:
        width, height = image.size
        limits.check_size(width, height)
        if kind == "JPEG":
            limits.check_scans(data, width * height)
            # twice the size that is kept: decoding a quarter of a large photo is quick and as good
            image.draft(None, (2 * pixels.MAX_SHOWN_SIDE, 2 * pixels.MAX_SHOWN_SIDE))
        image.load()
        orientation = pixels.orientation_of(image)
        kept = pixels.upright(pixels.shrink(pixels.to_rgb(image)), orientation)
    encoded = BytesIO()
    # without the picture's `info`, from which Pillow would copy metadata
    kept.info.clear()
    kept.save(encoded, "JPEG", quality=_QUALITY, subsampling=0)
    content = encoded.getvalue()
    return Picture(
        data=content,
        width=kept.width,
        height=kept.height,
        sha256=hashlib.sha256(content).hexdigest(),
        original_kind=kind,
        original_width=width,
        original_height=height,
    )
