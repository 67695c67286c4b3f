"""Requests and responses of the read routes, and the format of errors."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from shared.schemas.picture import MAX_PREVIEW_SIDE, PicturePreview
from shared.schemas.picture_source import MAX_BATCH_PICTURES, ImageData, ImageUrl, PictureSource
from shared.schemas.review import ProductFacts
from shared.schemas.sentiment import AnalysisMismatch, Opinion, Sentiment
from shared.schemas.text import VISIBLE_TEXT, has_visible_characters
from shared.schemas.values import NUMBER, Cursor, Day, Flag, Integer

MAX_TEXT_CHARACTERS = 10_000
MAX_BATCH_TEXTS = 64


class FieldError(BaseModel):
    """An invalid field of a request, named by its dotted path."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details; ``code`` is stable, so clients may match on it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] | None = None
    instance: str | None = None


def _not_blank(text: str) -> str:
    if not has_visible_characters(text):
        raise ValueError("must not be blank")
    return text


QueryText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_TEXT_CHARACTERS,
        description="text with at least one visible character",
        json_schema_extra={"pattern": VISIBLE_TEXT},
    ),
    AfterValidator(_not_blank),
]
WithPreview = Annotated[
    Flag,
    Field(
        description="whether the answer has the picture that was used, and pictures of reviews, "
        f"as JPEG of at most {MAX_PREVIEW_SIDE} x {MAX_PREVIEW_SIDE} pixels",
    ),
]

Modality = Literal["text", "image"]
TEXT: Modality = "text"
IMAGE: Modality = "image"
Language = Annotated[
    str,
    Field(
        pattern="^[a-z]{2,3}$",
        description="ISO 639-1 code such as de, or und where it is not determined",
    ),
]
Stars = Annotated[float, Field(ge=1, le=5), NUMBER]


class RequestBody(BaseModel):
    """Unknown fields are ignored and listed in ``warnings``, so that newer clients still work."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    def unknown_field_warnings(self) -> list[str]:
        """Warnings about ignored fields."""
        names = sorted(self.model_extra or {})[:10]
        return [f"unknown field {name[:60]!r} was ignored" for name in names]


def _refuse_empty(_text: Any) -> Any:
    raise ValueError("a text or a picture (image_data or image_url) is required")


class _Nothing(BaseModel):
    """Refuses any text, with an error that names the field."""

    query_text: Annotated[Any, AfterValidator(_refuse_empty)]


def _has_picture(value: dict[str, Any]) -> bool:
    return value.get("image_url") is not None or value.get("image_data") is not None


def _require_query(value: Any) -> Any:
    """Name the field if there is neither a text nor a picture."""
    if isinstance(value, dict) and value.get("query_text") is None and not _has_picture(value):
        _Nothing.model_validate({"query_text": None})
    return value


_TEXT_OR_PICTURE: JsonDict = {
    "anyOf": [
        {"required": ["query_text"]},
        {"required": ["image_url"]},
        {"required": ["image_data"]},
    ]
}


class AnalyzeRequest(RequestBody):
    """Body of POST /analyze: a text, a picture, or both."""

    model_config = ConfigDict(json_schema_extra=_TEXT_OR_PICTURE)

    query_text: QueryText | None = None
    image_url: ImageUrl | None = None
    image_data: ImageData | None = None
    picture_preview: WithPreview = False
    rating: Stars | None = Field(
        default=None, description="stars of the review, to compare with its text"
    )
    top_k: Integer = Field(default=5, ge=0, le=100)

    _require = model_validator(mode="before")(staticmethod(_require_query))


class AnalyzeBatchRequest(RequestBody):
    """Body of POST /analyze/batch: texts, each perhaps with a picture."""

    texts: list[QueryText] = Field(min_length=1, max_length=MAX_BATCH_TEXTS)
    pictures: list[PictureSource | None] = Field(
        default_factory=list,
        max_length=MAX_BATCH_TEXTS,
        description="the picture of each text, null for one without, "
        f"at most {MAX_BATCH_PICTURES} in all",
    )

    @field_validator("pictures")
    @classmethod
    def _check_pictures(
        cls, pictures: list[PictureSource | None], info: ValidationInfo
    ) -> list[PictureSource | None]:
        texts = info.data.get("texts")
        if pictures and texts is not None and len(pictures) != len(texts):
            raise ValueError(f"must have an entry for each of the {len(texts)} texts, or none")
        if sum(each is not None for each in pictures) > MAX_BATCH_PICTURES:
            raise ValueError(f"must have at most {MAX_BATCH_PICTURES} pictures")
        return pictures


class SearchFilters(ProductFacts):
    """A review must match all given filters. Dates are inclusive and in UTC; ratings are stars."""

    model_config = ConfigDict(extra="forbid")

    product_id: str | None = Field(default=None, max_length=512)
    product_ids: list[Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, min_length=1, max_length=500
    )
    sentiment: Sentiment | None = None
    sentiments: list[Sentiment] | None = Field(default=None, min_length=1, max_length=3)
    language: Language | None = None
    languages: list[Language] | None = Field(default=None, min_length=1, max_length=50)
    min_rating: Stars | None = None
    max_rating: Stars | None = None
    date_from: Day | None = None
    date_to: Day | None = None

    @model_validator(mode="after")
    def _check_ranges(self) -> "SearchFilters":
        if None not in (self.min_rating, self.max_rating) and self.min_rating > self.max_rating:  # type: ignore[operator]
            raise ValueError("min_rating must not be above max_rating")
        if None not in (self.date_from, self.date_to) and self.date_from > self.date_to:  # type: ignore[operator]
            raise ValueError("date_from must not be after date_to")
        return self


class SearchRequest(RequestBody):
    """Body of POST /search_similar: a text, a picture, or both."""

    model_config = ConfigDict(json_schema_extra=_TEXT_OR_PICTURE)

    query_text: QueryText | None = None
    top_k: Integer = Field(default=10, ge=1, le=100)
    filters: SearchFilters | None = None
    image_url: ImageUrl | None = None
    image_data: ImageData | None = None
    picture_preview: WithPreview = False
    cursor: Cursor | None = Field(
        default=None, description="next_cursor of the answer before, with everything else unchanged"
    )

    _require = model_validator(mode="before")(staticmethod(_require_query))


class _Response(BaseModel):
    model_config = ConfigDict(protected_namespaces=())


class Probabilities(BaseModel):
    """Calibrated probabilities; they sum to one."""

    negative: float
    neutral: float
    positive: float


class SimilarReview(BaseModel):
    """A review near the query; ``similarity_score`` is the cosine, in -1..1.

    ``matched``: what is near, the text of the review or a picture of it. ``picture``: a picture of
    the review, the one that matched if one did, if the request asks for it with
    ``picture_preview``.
    ``sentiment`` is null if the model does not understand the review.
    """

    review_text: str
    sentiment: Sentiment | None
    similarity_score: float
    review_id: str
    product_id: str | None = None
    rating: float | None = None
    title: str | None = None
    matched: Modality = TEXT
    picture: PicturePreview | None = None


class SearchResult(SimilarReview, ProductFacts):
    """A search result."""

    reviewed_at: datetime | None = None
    language: str | None = None


class PictureOpinion(BaseModel):
    """What the fusion head says of a picture alone; see ``TextAnalysis`` for the fields."""

    sentiment: Sentiment
    confidence: float
    sure: bool
    probabilities: Probabilities


class TextAnalysis(BaseModel):
    """Sentiment and language of one text; ``confidence`` is the probability of ``sentiment``.

    Neutral needs less than the highest probability where the model has a rule for it. ``sure``:
    the confidence is one from which on at least 95 of 100 labels were right (or the share in the
    model's rules), where this was measured. ``mixed``: one sentence is surely negative and another
    surely positive (null: the model cannot say). ``sentiment_model`` is the model that gave the
    sentiment: that of the answer, or the second one of a cascade. ``language`` is an ISO 639-1
    code, or ``und`` where the text is too short to decide. If the model does not understand the
    text, there is no sentiment, only a ``language``, and a warning says why.
    ``sentiment_modalities``: what the sentiment was read from, which is the picture only if the
    model has a fusion head that decides; empty without a sentiment. ``picture_opinion``: what such
    a head says of the picture alone, if the model has one.
    """

    sentiment: Sentiment | None
    confidence: float | None
    sure: bool | None = None
    mixed: bool | None = None
    probabilities: Probabilities | None
    language: str | None = None
    sentiment_model: str | None = None
    sentiment_modalities: list[Modality] = Field(default_factory=lambda: [TEXT])
    picture_opinion: PictureOpinion | None = None


class SentenceAnalysis(BaseModel):
    """Sentiment of one sentence or clause, the characters ``start`` to ``end`` of the text."""

    start: int
    end: int
    sentiment: Sentiment
    confidence: float
    sure: bool


class Word(BaseModel):
    """A word, the characters ``start`` to ``end`` of the text.

    ``weight``: how much the log odds of the text's sentiment fall in the word's sentence without
    it; negative if the word speaks against that sentiment.
    """

    start: int
    end: int
    weight: float


class AnalyzeResponse(TextAnalysis, _Response):
    """Response of POST /analyze.

    ``mismatch``: which two of the ``rating`` of the request, its text and its picture contradict
    each other; null if none do, or the model is not sure. ``disagrees``: which of the three says
    the opposite of the other two. ``language`` is null without a text. ``sentences`` and ``words``
    are those that the model read; null if it has no logits of tokens or does not understand the
    text.
    ``next_cursor``: POST /search_similar returns the other similar reviews, with the same text and
    top_k, where their texts are too long for one answer.
    """

    mismatch: AnalysisMismatch | None = None
    disagrees: Opinion | None = None
    sentences: list[SentenceAnalysis] | None = None
    words: list[Word] | None = None
    summary: str
    similar_reviews: list[SimilarReview]
    next_cursor: str | None = None
    model_version: str
    index_version: str | None
    modalities: list[Modality] = Field(default_factory=lambda: [TEXT])
    picture: PicturePreview | None = None
    warnings: list[str] = Field(default_factory=list)


class AnalyzeBatchResponse(_Response):
    """Response of POST /analyze/batch, in the order of ``texts``."""

    results: list[TextAnalysis]
    model_version: str
    index_version: str | None
    warnings: list[str] = Field(default_factory=list)


class SearchResponse(_Response):
    """Response of POST /search_similar, best match first.

    ``next_cursor`` requests the following ones of the ``top_k``, where their texts are too long for
    one answer.
    """

    results: list[SearchResult]
    model_version: str
    index_version: str | None
    next_cursor: str | None = None
    modalities: list[Modality] = Field(default_factory=lambda: [TEXT])
    picture: PicturePreview | None = None
    warnings: list[str] = Field(default_factory=list)


class Accepted(BaseModel):
    """The work was queued (HTTP 202)."""

    status: str = "accepted"
    message: str
