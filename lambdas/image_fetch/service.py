"""Reads a picture: fetches it if only its address is known, and decodes it."""

import logging

from lambdas.image_fetch.fetch import Fetcher
from shared.errors import PictureError
from shared.pictures.decode import decode
from shared.schemas.picture import MAX_SENT_BYTES, PictureProblem, PictureReply, PictureRequest

log = logging.getLogger(__name__)


def read(request: PictureRequest, fetcher: Fetcher) -> PictureReply:
    """The picture, or the reason why it cannot be used."""
    try:
        if request.data is not None:
            return PictureReply(picture=decode(request.data, max_bytes=MAX_SENT_BYTES))
        return PictureReply(picture=decode(fetcher.fetch(request.url or "", request.hosts)))
    except PictureError as error:
        log.info("a picture was refused", extra={"error_code": error.code})
        return PictureReply(problem=PictureProblem(code=error.code, message=error.message))
