"""Which reviews' pictures are asked for, and the pictures."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas.api import RequestBody
from shared.schemas.picture import PicturePreview

MAX_REVIEWS = 50


class ReviewPicturesRequest(RequestBody):
    """Body of POST /review_pictures."""

    review_ids: list[Annotated[str, Field(min_length=1, max_length=512)]] = Field(
        min_length=1, max_length=MAX_REVIEWS
    )


class ReviewPicturesResponse(BaseModel):
    """Response of POST /review_pictures.

    ``pictures`` has one picture of each review that has some in the index, by the id of the review,
    as this service encoded it anew.
    """

    model_config = ConfigDict(protected_namespaces=())

    pictures: dict[str, PicturePreview]
    index_version: str | None
    warnings: list[str] = Field(default_factory=list)
