"""Texts and pictures to embed, and their vectors."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.schemas.api import MAX_BATCH_TEXTS, Modality, QueryText
from shared.schemas.documented import Documented
from shared.schemas.fields import ModelVersion, Warnings
from shared.schemas.picture_source import MAX_BATCH_PICTURES, PictureSource


def _refuse(_value: Any) -> Any:
    raise ValueError("texts or pictures are required")


class _Nothing(BaseModel):
    """Refuses any value, with an error that names the field."""

    texts: Annotated[Any, AfterValidator(_refuse)]


class EmbeddingsRequest(Documented):
    """Body of POST /embeddings: texts, pictures, or both."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"anyOf": [{"required": ["texts"]}, {"required": ["pictures"]}]},
    )

    texts: list[QueryText] = Field(default_factory=list, min_length=1, max_length=MAX_BATCH_TEXTS)
    """Texts to embed, 1 to 64. May be left out beside pictures."""
    pictures: list[PictureSource] = Field(
        default_factory=list, min_length=1, max_length=MAX_BATCH_PICTURES
    )
    """Pictures to embed, 1 to 8. May be left out beside texts."""

    @model_validator(mode="before")
    @classmethod
    def _require_one(cls, value: Any) -> Any:
        """Name a field if there is nothing to embed."""
        if isinstance(value, dict) and not {"texts", "pictures"} & set(value):
            _Nothing.model_validate({"texts": None})
        return value


class EmbeddingsResponse(Documented):
    """Vectors of unit length, which can be compared with each other and with the index."""

    model_config = ConfigDict(protected_namespaces=())

    embeddings: list[list[float]]
    """One vector for each text, in their order. The model sets its length: 384 numbers for the
    shipped one."""
    picture_embeddings: list[list[float] | None] = Field(default_factory=list)
    """One vector for each picture, in their order; null for one that cannot be used, and a warning
    says why."""
    model_version: ModelVersion
    picture_model_version: str | None = None
    """Version of the model that embedded the pictures. Null if none was embedded."""
    modalities: list[Modality]
    """What there are vectors of: ``text``, ``image`` or both."""
    warnings: Warnings = Field(default_factory=list)
