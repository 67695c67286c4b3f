"""A picture in a request: its address, or its bytes."""

import re
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from shared.schemas.documented import Documented
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
        description="Address (http or https) of a picture, which the service fetches.",
        json_schema_extra={"pattern": _IMAGE_URL},
    ),
    AfterValidator(_http_url),
]
ImageData = Annotated[
    str,
    Field(
        max_length=MAX_IMAGE_CHARACTERS,
        description="Bytes of a picture in base64, at most 3.5 MB: JPEG, PNG, WebP, GIF or AVIF.",
    ),
]


class PictureSource(Documented):
    """A picture: exactly one of its address and its bytes."""

    model_config = ConfigDict(extra="forbid")

    image_url: ImageUrl | None = None
    """Address (http or https) of the picture, which the service fetches: at most 8 MB, from hosts
    in the public internet."""
    image_data: ImageData | None = None
    """Bytes of the picture in base64, at most 3.5 MB: JPEG, PNG, WebP, GIF or AVIF."""

    @model_validator(mode="after")
    def _check_exactly_one(self) -> "PictureSource":
        if (self.image_url is None) == (self.image_data is None):
            raise ValueError("set either image_url or image_data")
        return self
