"""Manifests of immutable artefact versions, and the pointers that say which one is current."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ArtefactKind = Literal["model", "index"]


class FileEntry(BaseModel):
    """One file of a version: its SHA-256 (hex) and size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(BaseModel):
    """Describes one immutable version under ``models/<version>/`` or ``indexes/<version>/``.

    ``model_version`` is set on an index: the model whose embeddings it holds. ``labels``,
    ``max_tokens`` and ``tail_tokens`` are set on a model: a text of more than ``max_tokens`` keeps
    its beginning and its last ``tail_tokens``. ``count`` is the number of vectors of an index.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    kind: ArtefactKind
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    created_at: datetime
    files: dict[str, FileEntry]
    dimension: int = Field(gt=0)
    labels: list[str] | None = None
    max_tokens: int | None = None
    tail_tokens: int = Field(default=1, ge=1)
    model_version: str | None = None
    count: int | None = None
    parameters: dict[str, object] = Field(default_factory=dict)
    metrics: dict[str, object] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _leaves_a_beginning(self) -> Self:
        if self.max_tokens is not None and self.tail_tokens >= self.max_tokens:
            msg = "tail_tokens must be fewer than max_tokens"
            raise ValueError(msg)
        return self


class Pointer(BaseModel):
    """The tiny object ``pointers/<kind>.json`` that names the current version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ArtefactKind
    version: str
    moved_at: datetime
