"""Embeddings in the shape of OpenAI's API."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from shared.schemas.api import MAX_BATCH_TEXTS, MAX_TEXT_CHARACTERS, QueryText
from shared.schemas.documented import Documented
from shared.schemas.fields import Warnings
from shared.schemas.text import VISIBLE_TEXT
from shared.schemas.values import Integer

CURRENT_MODEL = "reviewlens"
"""Name of whatever model answers now."""
_TEXT = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_TEXT_CHARACTERS,
    "pattern": VISIBLE_TEXT,
}
_INPUT = {
    "title": "Input",
    "anyOf": [
        _TEXT,
        {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MAX_BATCH_TEXTS},
    ],
}


def _as_list(value: Any) -> Any:
    texts = [value] if isinstance(value, str) else value
    is_list = isinstance(texts, list)
    if is_list and any(isinstance(text, int | list) for text in texts[:1]):
        raise ValueError("tokens are not accepted, as tokenizers differ: send the text itself")
    if not is_list:
        raise ValueError("must be a text or a list of texts")
    return texts


class OpenAIEmbeddingsRequest(Documented):
    """Body of POST /v1/embeddings."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    input: Annotated[
        list[QueryText],
        Field(min_length=1, max_length=MAX_BATCH_TEXTS),
        BeforeValidator(_as_list),
        WithJsonSchema(_INPUT),
    ]
    """A text, or a list of 1 to 64 texts, each at most 10,000 characters. Tokens are refused."""
    model: str = Field(min_length=1, max_length=200)
    """``reviewlens`` for the current model, or the version of that model; another one is a 404."""
    encoding_format: Literal["float", "base64"] = "float"
    """``base64`` returns the bytes of little-endian float32 numbers."""
    dimensions: Integer | None = Field(default=None, ge=1, le=100_000)
    """May only be the length that the vectors of the model have."""
    user: str | None = Field(default=None, max_length=1000)
    """Accepted for clients that send it, and ignored."""


class OpenAIEmbedding(Documented):
    """The vector of a text."""

    object: Literal["embedding"] = "embedding"
    """Always ``embedding``."""
    index: int
    """Place of the text in the input, from 0."""
    embedding: list[float] | str
    """A vector of unit length, or its bytes in base64."""


class OpenAIUsage(Documented):
    """How much the model read."""

    prompt_tokens: int
    """Tokens that the model read, with the two that it adds to each text. It reads the beginning
    and the end of a long text."""
    total_tokens: int
    """The same number."""


class OpenAIEmbeddings(Documented):
    """The vectors of texts, in their order."""

    model_config = ConfigDict(protected_namespaces=())

    object: Literal["list"] = "list"
    """Always ``list``."""
    data: list[OpenAIEmbedding]
    """One entry for each text."""
    model: str
    """Version of the model. Vectors of two versions cannot be compared."""
    usage: OpenAIUsage
    """How much text was read for it."""
    warnings: Warnings = Field(default_factory=list)


class OpenAIErrorDetail(Documented):
    """What went wrong."""

    message: str
    """What is wrong and, where there is something to do, what. It may change between releases."""
    type: Literal["invalid_request_error", "server_error"]
    """Whose fault it is."""
    param: str | None
    """The invalid field, such as ``input.3``. Null if the error is about no field."""
    code: str
    """Kind of the error: ``model_not_found``, or a code of the other routes."""


class OpenAIError(Documented):
    """An error in the shape of OpenAI's API."""

    error: OpenAIErrorDetail
    """What was refused or failed, and why."""
