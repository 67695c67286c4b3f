"""The joint space of a model: two towers that give texts and pictures vectors to compare."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

TEXT_TOWER, PICTURE_TOWER = "text.onnx", "picture.onnx"
TEXT_TOKENIZER = "text_tokenizer.json"
"""The files of the towers. The tokenizer truncates and pads as the tower was trained."""
IDS_INPUT, PIXELS_INPUT, VECTOR_OUTPUT = "input_ids", "pixel_values", "embedding"
"""The towers read int64 (n, tokens) and float32 (n, 3, height, width), and return unit vectors."""

TOWERS = "towers"
"""Parameter of the manifest with the precision, parities and latencies of both."""

Side = Annotated[int, Field(gt=0, le=4096)]
"""Pixels in a row or column."""
Channels = tuple[float, float, float]


class Preparation(BaseModel):
    """How pixels become the input of a picture tower, in this order.

    ``shortest_side`` or ``size`` (height, width): what the picture is resized to, with its
    proportions or without; neither: it keeps its size. ``resample``: the number of Pillow's filter.
    ``crop`` (height, width): the middle that is kept; what the picture lacks is black. ``scale``:
    what pixels of 0 to 255 are multiplied by. Then ``mean`` is subtracted, and the rest divided by
    ``deviation``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest_side: Side | None = None
    size: tuple[Side, Side] | None = None
    resample: int = Field(ge=0, le=5)
    crop: tuple[Side, Side] | None = None
    scale: float = Field(gt=0, allow_inf_nan=False)
    mean: Channels
    deviation: Channels

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.shortest_side is not None and self.size is not None:
            raise ValueError("set shortest_side or size, not both")
        if self.crop is None and self.size is None:
            raise ValueError("set crop or size: a picture tower reads pictures of one size")
        if not all(value > 0 for value in self.deviation):
            raise ValueError("deviation must be greater than 0")
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the pixels that the tower reads."""
        height, width = self.crop or self.size or (0, 0)
        return height, width


class JointSpace(BaseModel):
    """Where the towers of a model come from, whose vectors are its embeddings.

    ``source`` is the checkpoint that they were exported from, ``sentiment`` the version whose
    encoder gives the sentiments.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    sentiment: str
    picture: Preparation
