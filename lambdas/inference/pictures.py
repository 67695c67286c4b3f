"""The picture beside a text: read where a model reads pictures, and never a reason to fail."""

from typing import NamedTuple

from shared.errors import PictureError
from shared.schemas.api import AnalyzeRequest
from shared.schemas.picture import Picture, PictureRequest
from shared.serving.answers import IMAGE_IGNORED
from shared.serving.pictures import PictureReader, decode_base64

_ONLY_DATA = "image_url was ignored because image_data is set"


class Reading(NamedTuple):
    """The picture of a request, if it has one that can be used, and warnings about it."""

    picture: Picture | None = None
    warnings: tuple[str, ...] = ()


def read_picture(request: AnalyzeRequest, reader: PictureReader | None) -> Reading:
    """Read the picture of a request.

    Args:
        request: the request; its ``image_data`` goes before its ``image_url``.
        reader: reads pictures; None if no model uses them. Then nothing is fetched or decoded.
    """
    if request.image_url is None and request.image_data is None:
        return Reading()
    if reader is None:
        return Reading(warnings=(IMAGE_IGNORED,))
    both = request.image_url is not None and request.image_data is not None
    notes = (_ONLY_DATA,) if both else ()
    try:
        return Reading(reader.read(_picture_request(request)), notes)
    except PictureError as error:
        return Reading(warnings=(*notes, f"the picture was not used: {error.message}"))


def _picture_request(request: AnalyzeRequest) -> PictureRequest:
    if request.image_data is not None:
        return PictureRequest(data=decode_base64(request.image_data))
    return PictureRequest(url=request.image_url)
