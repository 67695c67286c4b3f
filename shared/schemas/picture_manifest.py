"""The manifest of a picture tower: the model that gives pictures vectors beside those of texts."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.schemas.manifest import FileEntry, Manifest

PIXELS_INPUT, EMBEDDING_OUTPUT = "pixels", "embedding"
"""The graph reads uint8 pixels (n, size, size, 3) and returns unit vectors (n, dimension)."""
PICTURE_GRAPH = "model.onnx"
MIN_BASE_COSINE = 0.97
"""Mean cosine of a text model's vectors to those of its base encoder, from its export."""


class PictureManifest(BaseModel):
    """Describes one immutable version of a picture tower.

    Its vectors can be compared with those of texts by ``text_model``, and by encoders that were
    trained to stay near it: see ``fits``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    kind: Literal["pictures"] = "pictures"
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    created_at: datetime
    files: dict[str, FileEntry]
    dimension: int = Field(gt=0)
    size: int = Field(gt=0)
    text_model: str
    parameters: dict[str, object] = Field(default_factory=dict)
    metrics: dict[str, object] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if PICTURE_GRAPH not in self.files:
            message = f"files must name {PICTURE_GRAPH}"
            raise ValueError(message)
        return self

    @property
    def graph_sha256(self) -> str:
        """Hash of the graph."""
        return self.files[PICTURE_GRAPH].sha256

    def fits(self, text: Manifest) -> bool:
        """Whether the vectors of this tower and of a text model can be compared.

        So it is for the model that the tower learned from, and for one that began as it and whose
        vectors are still near, by its own manifest. A model with a joint space has its own tower.
        """
        if text.dimension != self.dimension or not text.embeds or text.joint is not None:
            return False
        if text.version == self.text_model:
            return True
        cosine = text.parameters.get("base_cosine")
        near = isinstance(cosine, float) and cosine >= MIN_BASE_COSINE
        return near and _base_of(text) == self.text_model


def _base_of(text: Manifest) -> object:
    """The base encoder that the training of a model began with; None if it is unknown."""
    value: object = text.parameters
    for name in ("training", "parameters", "model_name"):
        value = value.get(name) if isinstance(value, dict) else None
    return value
