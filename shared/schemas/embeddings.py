"""Texts and pictures to embed, and their vectors."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.schemas.api import MAX_BATCH_TEXTS, Modality, QueryText
from shared.schemas.picture_source import MAX_BATCH_PICTURES, PictureSource


def _refuse(_value: Any) -> Any:
    raise ValueError("texts or pictures are required")


class _Nothing(BaseModel):
    """Refuses any value, with an error that names the field."""

    texts: Annotated[Any, AfterValidator(_refuse)]


class EmbeddingsRequest(BaseModel):
    """Body of POST /embeddings: texts, pictures, or both."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"anyOf": [{"required": ["texts"]}, {"required": ["pictures"]}]},
    )

    texts: list[QueryText] = Field(default_factory=list, min_length=1, max_length=MAX_BATCH_TEXTS)
    pictures: list[PictureSource] = Field(
        default_factory=list, min_length=1, max_length=MAX_BATCH_PICTURES
    )

    @model_validator(mode="before")
    @classmethod
    def _require_one(cls, value: Any) -> Any:
        """Name a field if there is nothing to embed."""
        if isinstance(value, dict) and not {"texts", "pictures"} & set(value):
            _Nothing.model_validate({"texts": None})
        return value


class EmbeddingsResponse(BaseModel):
    """Vectors of unit length, which can be compared with each other and with the index.

    ``embeddings`` has one for each text and ``picture_embeddings`` one for each picture, in their
    order; null for a picture that cannot be used, and a warning says why. ``modalities`` says of
    what there are vectors.
    """

    model_config = ConfigDict(protected_namespaces=())

    embeddings: list[list[float]]
    picture_embeddings: list[list[float] | None] = Field(default_factory=list)
    model_version: str
    picture_model_version: str | None = None
    modalities: list[Modality]
    warnings: list[str] = Field(default_factory=list)
