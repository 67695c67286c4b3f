"""Converts a decoded picture to upright RGB of a bounded size."""

from PIL import Image
from PIL.Image import Resampling, Transpose

MAX_SHOWN_SIDE = 1024
"""Width and height of a picture that is kept."""
_ORIENTATION_TAG = 0x0112
_MAX_CHANNEL = 255
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def to_rgb(image: Image.Image) -> Image.Image:
    """Colours in RGB; what is transparent becomes white."""
    if image.mode.startswith("I"):  # 16 bits of grey: Pillow would cut off what is above 255
        return image.point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    transparent = image.info.get("transparency")
    if isinstance(transparent, tuple) and max(transparent) > _MAX_CHANNEL:
        del image.info["transparency"]  # a colour of 16 bits, which the decoder has rounded
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


def shrink(image: Image.Image) -> Image.Image:
    """The picture, smaller if it is wider or higher than what is kept."""
    largest = max(image.size)
    if largest <= MAX_SHOWN_SIDE:
        return image
    width, height = (max(1, round(side * MAX_SHOWN_SIDE / largest)) for side in image.size)
    return image.resize((width, height), Resampling.LANCZOS, reducing_gap=3.0)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as its camera was held."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def orientation_of(image: Image.Image) -> int:
    """How the camera was held, from EXIF; 1 (upright) where that cannot be read."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001 - damaged metadata does not make a picture unusable
        return 1
