"""Requests and responses of the read routes, and the format of errors."""

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

from shared.schemas.documented import Documented
from shared.schemas.fields import (
    Confidence,
    IndexVersion,
    ModelVersion,
    ProductIdOrNone,
    RatingOrNone,
    ReviewId,
    ReviewTitle,
    Warnings,
)
from shared.schemas.picture import MAX_PREVIEW_SIDE, PicturePreview
from shared.schemas.picture_source import MAX_BATCH_PICTURES, ImageData, ImageUrl, PictureSource
from shared.schemas.sentiment import Mismatch, Opinion, Sentiment
from shared.schemas.text import VISIBLE_TEXT, has_visible_characters
from shared.schemas.values import NUMBER, Flag, Integer

MAX_TEXT_CHARACTERS = 10_000
MAX_BATCH_TEXTS = 64


class FieldError(Documented):
    """An invalid field of a request."""

    field: str
    """Dotted path of the field, such as ``filters.min_rating`` or ``texts.3``, at most 100
    characters. Parameters of the path and the query have their own name."""
    message: str
    """What is wrong with it, for a person."""


class Problem(Documented):
    """RFC 9457 problem details; ``code`` is stable, so clients may match on it."""

    type: str = "about:blank"
    """Always ``about:blank``: what happened is in ``code``."""
    title: str
    """Phrase of the HTTP status."""
    status: int
    """The HTTP status of the response, 400 to 599."""
    detail: str
    """What went wrong and, where there is something to do, what. It may change between releases."""
    code: str
    """Kind of the error, for programs; docs/api.md lists all of them."""
    errors: list[FieldError] | None = None
    """The invalid fields, at most 20. Absent if the error is about no field."""
    instance: str | None = None
    """Reference under which the failure was logged. Only an internal error has one; on AWS also
    the errors of the gateway itself."""


def _not_blank(text: str) -> str:
    if not has_visible_characters(text):
        raise ValueError("must not be blank")
    return text


QueryText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_TEXT_CHARACTERS,
        description="Text with at least one visible character.",
        json_schema_extra={"pattern": VISIBLE_TEXT},
    ),
    AfterValidator(_not_blank),
]
WithPreview = Annotated[
    Flag,
    Field(
        description="Whether the answer has the picture that was used, and pictures of reviews, "
        f"as JPEG of at most {MAX_PREVIEW_SIDE} x {MAX_PREVIEW_SIDE} pixels.",
    ),
]

Modality = Literal["text", "image"]
TEXT: Modality = "text"
IMAGE: Modality = "image"
Language = Annotated[
    str,
    Field(
        pattern="^[a-z]{2,3}$",
        description="ISO 639-1 code such as `de`, or `und` where it is not determined.",
    ),
]
Stars = Annotated[float, Field(ge=1, le=5, description="Stars from 1 to 5."), NUMBER]


class RequestBody(Documented):
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


def require_query(value: Any) -> Any:
    """Name the field if there is neither a text nor a picture."""
    if isinstance(value, dict) and value.get("query_text") is None and not _has_picture(value):
        _Nothing.model_validate({"query_text": None})
    return value


TEXT_OR_PICTURE: JsonDict = {
    "anyOf": [
        {"required": ["query_text"]},
        {"required": ["image_url"]},
        {"required": ["image_data"]},
    ]
}


class AnalyzeRequest(RequestBody):
    """Body of POST /analyze: a text, a picture, or both."""

    model_config = ConfigDict(json_schema_extra=TEXT_OR_PICTURE)

    query_text: QueryText | None = None
    """The review, at most 10,000 characters. The model reads the beginning and the end of a long
    one, and a warning says so. May be left out beside a picture."""
    image_url: ImageUrl | None = None
    """Address of a picture to fetch. Ignored, with a warning, if ``image_data`` is set."""
    image_data: ImageData | None = None
    """The bytes of a picture in base64, instead of its address."""
    picture_preview: WithPreview = False
    rating: Stars | None = None
    """Stars that the reviewer gave, 1 to 5. They do not change the sentiment; they are compared
    with it for ``mismatch``."""
    top_k: Integer = Field(default=5, ge=0, le=100)
    """How many similar reviews to return. With 0 there are none, but the summary still compares
    the text with the five nearest."""

    _require = model_validator(mode="before")(staticmethod(require_query))


class AnalyzeBatchRequest(RequestBody):
    """Body of POST /analyze/batch: texts, each perhaps with a picture."""

    texts: list[QueryText] = Field(min_length=1, max_length=MAX_BATCH_TEXTS)
    """The texts, 1 to 64, each at most 10,000 characters."""
    pictures: list[PictureSource | None] = Field(
        default_factory=list,
        max_length=MAX_BATCH_TEXTS,
        description="The picture of each text in the same order, null for a text without one; at"
        f" most {MAX_BATCH_PICTURES} pictures. They are read only if the model has a fusion head.",
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


class _Response(Documented):
    model_config = ConfigDict(protected_namespaces=())


class Probabilities(Documented):
    """Calibrated probabilities of the three sentiments; they sum to one."""

    negative: float
    """Probability that the text complains, 0 to 1."""
    neutral: float
    """Probability that it neither complains nor praises, 0 to 1."""
    positive: float
    """Probability that it praises, 0 to 1."""


class SimilarReview(Documented):
    """A stored review near the query."""

    review_text: str
    """The text of the review as it is stored, after cleaning, without its title."""
    sentiment: Sentiment | None
    """What the model said of the review when it was indexed. Null if it does not understand it."""
    similarity_score: float
    """Cosine of the vectors of the query and the review, -1 to 1; 1 is the same text. Those of
    pictures and texts are lower than those of two texts."""
    review_id: ReviewId
    product_id: ProductIdOrNone = None
    rating: RatingOrNone = None
    title: ReviewTitle = None
    matched: Modality = TEXT
    """What is near the query: the ``text`` of the review, or an ``image`` of it."""
    picture: PicturePreview | None = None
    """A picture of the review, the one that matched if one did. Null unless the request has
    ``picture_preview``; at most 50 of one answer have one."""


class PictureOpinion(Documented):
    """What the fusion head of a model says of a picture alone."""

    sentiment: Sentiment
    """What the picture shows of the reviewer's opinion, without the text."""
    confidence: Confidence
    sure: bool
    """Whether the confidence reaches the limit of the head's rule for pictures alone."""
    probabilities: Probabilities
    """Probabilities of all three sentiments, from the picture alone."""


class TextAnalysis(Documented):
    """Sentiment and language of one text.

    If the model does not understand the text, there is no sentiment, only a ``language``, and a
    warning says why.
    """

    sentiment: Sentiment | None
    """What the model says of the text. Neutral may need less than the highest probability, where
    the model has a rule for it. Null if the model does not understand the text."""
    confidence: float | None
    """Calibrated probability of ``sentiment``, from 0 to 1. Null without a sentiment."""
    sure: bool | None = None
    """Whether the confidence is one from which on at least 95 of 100 labels were right, or the
    share in the model's rules, where this was measured. Null without a sentiment."""
    mixed: bool | None = None
    """Whether one sentence is surely negative and another surely positive. Null if the model
    cannot say: it has no logits of tokens, or is never sure of a sentence."""
    probabilities: Probabilities | None
    """Probabilities of all three sentiments. Null without a sentiment."""
    language: str | None = None
    """Detected language, an ISO 639-1 code, or ``und`` where the text is too short to decide. Null
    without a text."""
    sentiment_model: str | None = None
    """Version of the model that gave the sentiment: ``model_version`` of the answer, or the second
    model of a cascade. Null without a sentiment."""
    sentiment_modalities: list[Modality] = Field(default_factory=lambda: [TEXT])
    """What the sentiment was read from. ``image`` is among it only if the model has a fusion head
    that decides; empty without a sentiment."""
    picture_opinion: PictureOpinion | None = None
    """What the model's fusion head says of the picture alone, also if the text decides. Null
    without a picture or such a head."""


class SentenceAnalysis(Documented):
    """Sentiment of one sentence or clause."""

    start: int
    """Place of its first character in the text, from 0, in Unicode code points."""
    end: int
    """Place after its last character, so that it is ``text[start:end]``."""
    sentiment: Sentiment
    """What the model says of this sentence alone. A text of one sentence has the sentiment of the
    whole text."""
    confidence: Confidence
    sure: bool
    """Whether the confidence reaches the limit of the model's rule for sentences."""


class Word(Documented):
    """A word and how much it moved the sentiment."""

    start: int
    """Place of its first character in the text, from 0, in Unicode code points."""
    end: int
    """Place after its last character, so that it is ``text[start:end]``."""
    weight: float
    """How much the log odds of the text's sentiment fall in the word's sentence without it;
    negative if the word speaks against that sentiment, 0 if it makes no difference."""


class AnalyzeResponse(TextAnalysis, _Response):
    """What the model says of a text or a picture, and the reviews that are similar to it."""

    mismatch: Mismatch | None = None
    """Which two of the ``rating`` of the request, its text and its picture contradict each other.
    Null if none do, if there is only one of them, or if the model is not sure."""
    disagrees: Opinion | None = None
    """Which of the three says the opposite of the other two. Null unless all three are clear."""
    sentences: list[SentenceAnalysis] | None = None
    """The sentences that the model read, in order. Null if it has no logits of tokens or does not
    understand the text."""
    words: list[Word] | None = None
    """The words that the model read, in order; null as ``sentences`` are."""
    summary: str
    """One sentence: how strong the sentiment is, and how many of the similar reviews that are at
    least 40% similar agree."""
    similar_reviews: list[SimilarReview]
    """The nearest reviews, best first, at most ``top_k``; reviews with equal texts appear once."""
    next_cursor: str | None = None
    """Requests the other similar reviews from POST /search_similar, with the same text, picture
    and ``top_k``. Null unless their texts are too long for one answer."""
    model_version: ModelVersion
    index_version: IndexVersion
    modalities: list[Modality] = Field(default_factory=lambda: [TEXT])
    """What the similar reviews were searched by: ``text``, ``image`` or both. A picture that
    cannot be used is missing here, and a warning says why."""
    picture: PicturePreview | None = None
    """The picture that was used. Null unless the request has ``picture_preview``."""
    warnings: Warnings = Field(default_factory=list)


class AnalyzeBatchResponse(_Response):
    """Sentiment and language of each text of a batch."""

    results: list[TextAnalysis]
    """One analysis for each text, in the order of ``texts``."""
    model_version: ModelVersion
    index_version: str | None
    """Version of the index that is loaded beside the model; a batch does not search it. Null if
    none is published yet."""
    warnings: Warnings = Field(default_factory=list)


class Accepted(Documented):
    """The work was queued (HTTP 202)."""

    status: str = "accepted"
    """Always ``accepted``: that the work has ended is seen where its results are."""
    message: str
    """What was queued, for a person."""
