"""The manifest of a picture tower: the model that gives pictures vectors beside those of texts."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.manifest import FileEntry

PIXELS_INPUT, EMBEDDING_OUTPUT = "pixels", "embedding"
"""The graph reads uint8 pixels (n, size, size, 3) and returns unit vectors (n, dimension)."""


class PictureManifest(BaseModel):
    """Describes one immutable version of a picture tower.

    Its vectors can be compared with the texts of ``text_model`` alone: that version, no other.
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
