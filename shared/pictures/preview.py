"""A small copy of a decoded picture, to be shown."""

from base64 import b64encode
from io import BytesIO

from PIL import Image
from PIL.Image import Resampling

from shared.pictures.arrays import rgb_array
from shared.schemas.picture import MAX_PREVIEW_SIDE, Picture, PicturePreview

_QUALITY = 80


def preview_of(picture: Picture) -> PicturePreview:
    """The picture as a JPEG that fits into an answer beside its lists."""
    small = Image.fromarray(rgb_array(picture))
    small.thumbnail((MAX_PREVIEW_SIDE, MAX_PREVIEW_SIDE), Resampling.LANCZOS)
    file = BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    data = b64encode(file.getvalue()).decode("ascii")
    return PicturePreview(data=data, width=small.width, height=small.height)
