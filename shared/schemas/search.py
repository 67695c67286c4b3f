"""The wire contract of POST /search_similar."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from shared.schemas.api import (
    TEXT,
    TEXT_OR_PICTURE,
    Language,
    Modality,
    QueryText,
    RequestBody,
    SimilarReview,
    Stars,
    WithPreview,
    require_query,
)
from shared.schemas.documented import Documented
from shared.schemas.fields import IndexVersion, ModelVersion, Warnings
from shared.schemas.picture import PicturePreview
from shared.schemas.picture_source import ImageData, ImageUrl
from shared.schemas.review import ProductFacts
from shared.schemas.sentiment import Sentiment
from shared.schemas.values import Cursor, Day, Integer


class SearchFilters(ProductFacts):
    """Which reviews are compared; a review must match all given filters."""

    model_config = ConfigDict(extra="forbid")

    product_id: str | None = Field(default=None, max_length=512)
    """Only reviews of this product."""
    product_ids: list[Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, min_length=1, max_length=500
    )
    """Only reviews of these products, 1 to 500; beside ``product_id``, both must hold."""
    sentiment: Sentiment | None = None
    """Only reviews with this sentiment. Reviews that the model does not understand have none, so
    no filter by sentiment matches them."""
    sentiments: list[Sentiment] | None = Field(default=None, min_length=1, max_length=3)
    """Only reviews with one of these sentiments; beside ``sentiment``, both must hold."""
    language: Language | None = None
    """Only reviews in this language, an ISO 639-1 code, or ``und`` for those too short to
    decide."""
    languages: list[Language] | None = Field(default=None, min_length=1, max_length=50)
    """Only reviews in one of these languages; beside ``language``, both must hold."""
    min_rating: Stars | None = None
    """Fewest stars, inclusive; reviews without a rating are left out. Not above ``max_rating``."""
    max_rating: Stars | None = None
    """Most stars, inclusive; reviews without a rating are left out."""
    date_from: Day | None = None
    """First day in UTC, inclusive; reviews without a date are left out. Not after ``date_to``."""
    date_to: Day | None = None
    """Last day in UTC, inclusive; reviews without a date are left out."""

    @model_validator(mode="after")
    def _check_ranges(self) -> "SearchFilters":
        if None not in (self.min_rating, self.max_rating) and self.min_rating > self.max_rating:  # type: ignore[operator]
            raise ValueError("min_rating must not be above max_rating")
        if None not in (self.date_from, self.date_to) and self.date_from > self.date_to:  # type: ignore[operator]
            raise ValueError("date_from must not be after date_to")
        return self


class SearchRequest(RequestBody):
    """Body of POST /search_similar: a text, a picture, or both."""

    model_config = ConfigDict(json_schema_extra=TEXT_OR_PICTURE)

    query_text: QueryText | None = None
    """What to search for, in any words, at most 10,000 characters. May be left out beside a
    picture."""
    top_k: Integer = Field(default=10, ge=1, le=100)
    """How many reviews to return; fewer if fewer match the filters."""
    filters: SearchFilters | None = None
    """Which reviews are compared. Null or absent: all of the index."""
    image_url: ImageUrl | None = None
    """Address of a picture to fetch and search for. Ignored, with a warning, if ``image_data`` is
    set."""
    image_data: ImageData | None = None
    """The bytes of a picture to search for in base64, instead of its address."""
    picture_preview: WithPreview = False
    cursor: Cursor | None = None
    """``next_cursor`` of the answer before, with everything else unchanged. Refused once another
    index is current."""

    _require = model_validator(mode="before")(staticmethod(require_query))


class SearchResult(SimilarReview, ProductFacts):
    """A review that matches the filters, with its similarity."""

    reviewed_at: datetime | None = None
    """When the review was written, in UTC; midnight if the dump has only a day. Null if it has no
    date."""
    language: str | None = None
    """Detected language, an ISO 639-1 code, or ``und`` where the text is too short to decide. Null
    for reviews that an earlier release processed."""


class SearchResponse(Documented):
    """Response of POST /search_similar."""

    model_config = ConfigDict(protected_namespaces=())

    results: list[SearchResult]
    """The nearest reviews, best first; reviews with equal texts appear once. Empty if no index is
    published or a picture alone cannot be used; a warning says so."""
    model_version: ModelVersion
    index_version: IndexVersion
    next_cursor: str | None = None
    """Requests the following ones of the ``top_k``: send it as ``cursor``, with everything else
    unchanged. Null unless their texts are too long for one answer."""
    modalities: list[Modality] = Field(default_factory=lambda: [TEXT])
    """What was searched for: ``text``, ``image`` or both. A picture that cannot be used is missing
    here, and a warning says why."""
    picture: PicturePreview | None = None
    """The picture that was used. Null unless the request has ``picture_preview``."""
    warnings: Warnings = Field(default_factory=list)
