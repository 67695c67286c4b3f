"""Manifests of immutable artefact versions, and the pointers that name the current ones."""

import hashlib
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from shared.schemas.decisions import Decisions
from shared.schemas.formats import UNVERSIONED
from shared.schemas.fusion import FUSION, HEAD_FILE, Fusion
from shared.schemas.joint import JointSpace

DECISIONS = "decisions"
"""Parameter with the rules of a model; an earlier release reads such a manifest and ignores it."""
ArtefactKind = Literal["model", "index"]
_AS_IN_FIRST_VERSION = {"format": UNVERSIONED, "embeds": True, "joint": None}
"""Fields that are written only with another value, so that earlier releases read the file."""


class _Versioned(BaseModel):
    """A JSON file with a format version; version 1 is written as no field, as it always was."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format: int = UNVERSIONED

    @model_serializer(mode="wrap")
    def _omit_first_version(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        for name, first in _AS_IN_FIRST_VERSION.items():
            if name in fields and fields[name] == first:
                del fields[name]
        return fields


class FileEntry(BaseModel):
    """One file of a version: its SHA-256 (hex) and size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(_Versioned):
    """Describes one immutable version under ``models/<version>/`` or ``indexes/<version>/``.

    ``format`` is the format version of the whole folder. ``model_version`` is set on an index: the
    model whose embeddings it holds. ``labels``, ``max_tokens`` and ``tail_tokens`` are set on a
    model: a text of more than ``max_tokens`` keeps its beginning and its last ``tail_tokens``.
    ``count`` is the number of vectors of an index. ``embeds`` is false for a model that gives only
    sentiments: its vectors are not trained to compare texts. ``joint`` is set on a model whose
    embeddings come from two towers, for texts and pictures, beside the encoder of its sentiments;
    ``dimension`` is theirs.
    """

    kind: ArtefactKind
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    created_at: datetime
    files: dict[str, FileEntry]
    dimension: int = Field(gt=0)
    embeds: bool = True
    labels: list[str] | None = None
    max_tokens: int | None = None
    tail_tokens: int = Field(default=1, ge=1)
    model_version: str | None = None
    count: int | None = None
    parameters: dict[str, object] = Field(default_factory=dict)
    metrics: dict[str, object] = Field(default_factory=dict)
    joint: JointSpace | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_tokens is not None and self.tail_tokens >= self.max_tokens:
            message = "tail_tokens must be fewer than max_tokens"
            raise ValueError(message)
        Decisions.model_validate(self.parameters.get(DECISIONS, {}))
        if self.fusion is not None and HEAD_FILE not in self.files:
            message = f"parameters.{FUSION} needs the file {HEAD_FILE}"
            raise ValueError(message)
        return self

    @property
    def decisions(self) -> Decisions:
        """How the model's probabilities become labels; the defaults if it has no rules."""
        return Decisions.model_validate(self.parameters.get(DECISIONS, {}))

    @property
    def fusion(self) -> Fusion | None:
        """The head for texts with pictures; None if the model has none."""
        fields = self.parameters.get(FUSION)
        return None if fields is None else Fusion.model_validate(fields)

    @property
    def encoder_sha256(self) -> str:
        """Hash of all files except the fusion head, which fits only the encoder with this hash."""
        lines = (f"{name} {self.files[name].sha256}\n" for name in sorted(self.files))
        own = "".join(line for line in lines if not line.startswith(f"{HEAD_FILE} "))
        return hashlib.sha256(own.encode()).hexdigest()


class Pointer(_Versioned):
    """The small object ``pointers/<kind>.json`` that names the current version."""

    kind: ArtefactKind
    version: str
    moved_at: datetime
