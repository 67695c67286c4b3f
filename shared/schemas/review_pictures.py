"""Which reviews' pictures are asked for, and the pictures."""

from typing import Annotated

from pydantic import ConfigDict, Field

from shared.schemas.api import RequestBody
from shared.schemas.documented import Documented
from shared.schemas.fields import IndexVersion, Warnings
from shared.schemas.picture import PicturePreview

MAX_REVIEWS = 50


class ReviewPicturesRequest(RequestBody):
    """Body of POST /review_pictures."""

    review_ids: list[Annotated[str, Field(min_length=1, max_length=512)]] = Field(
        min_length=1, max_length=MAX_REVIEWS
    )
    """Ids of the reviews, 1 to 50; repeated ones count once."""


class ReviewPicturesResponse(Documented):
    """Pictures as this service encoded them anew, by the ids of their reviews."""

    model_config = ConfigDict(protected_namespaces=())

    pictures: dict[str, PicturePreview]
    """Id of a review → one of its pictures. Reviews without a picture in the index, and those that
    are newer than it, are left out."""
    index_version: IndexVersion
    warnings: Warnings = Field(default_factory=list)
