"""Settings of the functions that fetch the pictures of reviews."""

from pydantic import Field, field_validator

from shared.schemas.picture_hosts import check_hosts
from shared.schemas.pictures import MAX_PICTURES_OF_INGEST
from shared.settings.base import ServiceSettings


class ReviewPictureSettings(ServiceSettings):
    """Which pictures of reviews are fetched; none by default."""

    picture_hosts: str = ""
    """Hosts whose pictures are fetched for stored reviews, separated by commas, such as
    ``m.media-amazon.com,*.ssl-images-amazon.com``; empty: no picture of a review is fetched."""
    max_ingest_pictures: int = Field(default=MAX_PICTURES_OF_INGEST, ge=1)
    """Pictures of one upload that are fetched; the others count as refused."""

    @field_validator("picture_hosts")
    @classmethod
    def _check_hosts(cls, value: str) -> str:
        return check_hosts(value)
