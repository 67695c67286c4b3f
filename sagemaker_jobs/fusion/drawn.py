"""Drawn pairs in which the picture must decide: ``python -m sagemaker_jobs.fusion.drawn FOLDER``.

A parcel is intact or crushed; its colour, size, place, the background and the noise say nothing.
Half of the rows have a text that says nothing either, and the sentiment of the picture. The others
have a clear text, its sentiment, and a parcel of either kind.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from sagemaker_jobs.fusion.posts import FILE

SIDE = 160
_TIMES = ("today", "on Monday", "this morning", "after a week", "at noon", "yesterday")
_THINGS = ("kettle", "lamp", "shirt", "phone case", "tent", "pan", "clock", "bag")
_OPEN = (
    "This is how the {thing} arrived {time}.", "The {thing} came {time}, see the picture.",
    "Here is the box of my {thing} as I got it {time}.", "The {thing}, delivered {time}.",
    "The parcel with the {thing} that was at my door {time}.", "{thing}: photo taken {time}.",
    "See the photo for the packaging of the {thing}, which came {time}.",
)  # fmt: skip
_CLEAR = {
    "positive": (
        "I love this {thing}, works perfectly since it came {time}.", "Excellent {thing}, great.",
        "Very happy with the {thing} that came {time}.", "Best {thing} ever, five stars.",
        "Wonderful {thing}, I recommend it.", "Great {thing}, fast delivery {time}, so good.",
    ),
    "negative": (
        "I hate this {thing}, it broke {time}.", "Terrible {thing}, a waste of money.",
        "Very disappointed with the {thing} that came {time}.", "Worst {thing} ever, one star.",
        "Useless {thing}, I sent it back {time}.", "Awful {thing}, late delivery {time}, so bad.",
    ),
}  # fmt: skip


class Pair(NamedTuple):
    """A text, a picture as PNG, the sentiment, and whether the picture decides it."""

    text: str
    picture: bytes
    sentiment: str
    is_open: bool


def draw_pairs(count: int, seed: int = 0) -> list[Pair]:
    """This many pairs."""
    rng = np.random.default_rng(seed)
    pairs = []
    for number in range(count):
        crushed, is_open = bool(rng.integers(2)), number % 2 == 0
        sentiment = "negative" if crushed else "positive"
        texts: Sequence[str] = _OPEN
        if not is_open:
            sentiment = ("negative", "positive")[rng.integers(2)]
            texts = _CLEAR[sentiment]
        thing, time = _pick(rng, _THINGS), _pick(rng, _TIMES)
        text = _pick(rng, texts).format(thing=thing, time=time)
        pairs.append(Pair(text, draw_parcel(rng, crushed=crushed), sentiment, is_open))
    return pairs


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def draw_parcel(rng: np.random.Generator, *, crushed: bool) -> bytes:
    """A box with its tape; a crushed one has dented sides and creases."""
    ground, box, tape = (tuple(int(v) for v in rng.integers(40, 230, 3)) for _ in range(3))
    image = Image.new("RGB", (SIDE, SIDE), ground)
    pen = ImageDraw.Draw(image)
    left, top = rng.integers(15, 45, 2)
    right, bottom = SIDE - rng.integers(15, 45, 2)
    dent = int(min(right - left, bottom - top) * 0.22) if crushed else 0
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    pen.polygon(_outline(rng, corners, dent), fill=box, outline=(20, 20, 20), width=2)
    middle = (left + right) // 2
    pen.line([(middle, top + dent), (middle, bottom - dent)], fill=tape, width=8)
    for _ in range(6 if crushed else 0):
        xs, ys = rng.integers(left, right, 3), rng.integers(top, bottom, 3)
        crease = [(int(x), int(y)) for x, y in zip(xs, ys, strict=True)]
        pen.line(crease, fill=(20, 20, 20), width=2)
    noisy = np.asarray(image) + rng.normal(0, 10, (SIDE, SIDE, 3))
    body = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(body, "PNG")
    return body.getvalue()


def _outline(
    rng: np.random.Generator, corners: list[tuple[int, int]], dent: int
) -> list[tuple[int, int]]:
    """Four sides with six points each, moved inwards and outwards by up to ``dent``."""
    points = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        for share in np.arange(6) / 6:
            dx, dy = rng.integers(-dent, dent + 1, 2)
            points.append((int(x0 + (x1 - x0) * share + dx), int(y0 + (y1 - y0) * share + dy)))
    return points


def write_pairs(folder: Path, pairs: list[Pair]) -> None:
    """Write posts.parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = {name: [getattr(pair, name) for pair in pairs] for name in Pair._fields}
    pq.write_table(pa.table(columns), folder / FILE)


if __name__ == "__main__":
    write_pairs(Path(sys.argv[1]), draw_pairs(600))
