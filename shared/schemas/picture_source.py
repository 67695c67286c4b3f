"""A picture in a request: its address, or its bytes."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.schemas.picture import MAX_SENT_BYTES

MAX_BATCH_PICTURES = 8
MAX_IMAGE_CHARACTERS = (MAX_SENT_BYTES + 2) // 3 * 4
_IMAGE_URL = (
    r"^[hH][tT][tT][pP][sS]?://([!-.0-9:;=A-Z_a-z~]*@)?([0-9A-Za-z._~-]+|\[[0-9A-Fa-f:.]+\])"
    r"(:[1-9][0-9]{0,4})?([/?#][!-~]*)?$"
)


def _http_url(url: str) -> str:
    if not re.fullmatch(_IMAGE_URL, url):
        raise ValueError("must be an http or https URL")
    return url


ImageUrl = Annotated[
    str,
    Field(
        max_length=2048,
        description="http(s) URL of an image",
        json_schema_extra={"pattern": _IMAGE_URL},
    ),
    AfterValidator(_http_url),
]
ImageData = Annotated[
    str,
    Field(
        max_length=MAX_IMAGE_CHARACTERS,
        description="bytes of a picture in base64, at most 3.5 MB: JPEG, PNG, WebP, GIF or AVIF",
    ),
]


class PictureSource(BaseModel):
    """A picture: its address, or its bytes."""

    model_config = ConfigDict(extra="forbid")

    image_url: ImageUrl | None = None
    image_data: ImageData | None = None

    @model_validator(mode="after")
    def _check_exactly_one(self) -> "PictureSource":
        if (self.image_url is None) == (self.image_data is None):
            raise ValueError("set either image_url or image_data")
        return self
