"""A picture of a caller, and how the function that reads it is called."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.schemas.documented import Documented

Kind = Literal["JPEG", "PNG", "WebP", "GIF", "AVIF"]
"""The types of pictures that are read."""
MAX_PICTURE_BYTES = 8_000_000
"""Size of a picture that is fetched."""
MAX_SENT_BYTES = 3_500_000
"""Size of a picture in a request: the firewall takes 5 MB, and base64 makes three bytes four."""
MAX_PICTURE_BODY_BYTES = 5_000_000
"""Size of a request with a picture in base64 and a text; the firewall on AWS takes no more."""
MAX_PREVIEW_SIDE = 256
"""Width and height of a picture in an answer."""


class _Message(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64"
    )


class Picture(_Message):
    """A picture as it is kept: a JPEG in ``data`` with its hash, and what the original was.

    It is upright, on white, without metadata, and at most 1,024 pixels wide and high.
    """

    data: bytes
    width: int
    height: int
    sha256: str
    original_kind: Kind
    original_width: int
    original_height: int


class PictureRequest(_Message):
    """A picture to read: its address or its bytes."""

    url: str | None = Field(None, max_length=2048)
    data: bytes | None = None
    hosts: str = ""
    """Hosts that the address and its redirects may name (picture_hosts.py); empty: any."""

    @model_validator(mode="after")
    def _check_exactly_one(self) -> "PictureRequest":
        if (self.url is None) == (self.data is None):
            raise ValueError("set either url or data")
        return self


class PictureProblem(_Message):
    """Why a picture cannot be used; see ``shared.errors.PictureError``."""

    code: str
    message: str


class PictureReply(_Message):
    """The picture, or the reason why there is none."""

    picture: Picture | None = None
    problem: PictureProblem | None = None


class PicturePreview(Documented):
    """A picture in an answer, encoded anew by this service, without metadata."""

    media_type: Literal["image/jpeg"] = "image/jpeg"
    """Type of the picture; always JPEG, whatever the original was."""
    data: str
    """Bytes of the JPEG in base64; for a page, ``data:image/jpeg;base64,`` goes before them."""
    width: int
    """Width in pixels, at most 256."""
    height: int
    """Height in pixels, at most 256."""
