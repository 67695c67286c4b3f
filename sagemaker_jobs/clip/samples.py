"""Texts and drawn pictures on which the graphs of the towers are compared and measured."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

TEXTS = (
    "a photo of a red shoe",
    "The zip broke after a week, and the shop never answered.",
    "Lovely kettle: quiet, quick, and the handle stays cool.",
    "It's OK I guess. Does what it says, nothing more, nothing less.",
    "two blue cups on a wooden table",
    "Arrived crushed!!! The box was open & half of the parts were missing :(",
    "navy blue casual shirt for men",
    "Great value for 12.99, would buy again.",
    "tent",
    "Ich habe die Tasche in Grün bestellt und eine rote bekommen.",
    (
        "The colour in the picture is nothing like the one that came; the fabric is thin, the seams"
        " are crooked, and after one wash at 30 degrees it had lost two sizes. I wrote to the shop"
        " twice and was told to send it back at my own cost, which is more than the shirt is worth,"
        " so I will keep it for painting the fence, and I would advise everybody to look elsewhere."
    ),
    "",
)
_SHAPES = ((300, 300), (640, 360), (200, 420), (64, 64))
_PICTURES = 16

Pixels = NDArray[np.uint8]


def pictures() -> list[Pixels]:
    """Drawn pictures of several shapes: coloured forms, soft shades and grain."""
    rng = np.random.default_rng(0)
    return [_draw(rng, *_SHAPES[each % len(_SHAPES)]) for each in range(_PICTURES)]


def _draw(rng: np.random.Generator, width: int, height: int) -> Pixels:
    corners = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    image = Image.fromarray(corners).resize((width, height), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(image)
    for form in (pen.rectangle, pen.ellipse, pen.ellipse):
        xs, ys = np.sort(rng.integers(0, width, 2)), np.sort(rng.integers(0, height, 2))
        box = tuple(int(value) for value in (xs[0], ys[0], xs[1], ys[1]))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        form(box, fill=colour)
    grain = rng.normal(0, 8, (height, width, 3))
    pixels: Pixels = np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)
    return pixels
