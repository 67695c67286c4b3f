"""Reads pictures of callers with the function image_fetch, never in this process."""

import base64
import binascii
import logging
from collections.abc import Callable
from typing import Any, Protocol

from pydantic import ValidationError

from shared.errors import PictureError
from shared.schemas.picture import Picture, PictureReply, PictureRequest
from shared.storage.aws_errors import AWS_ERRORS

log = logging.getLogger(__name__)


class PictureReader(Protocol):
    """Fetches and decodes pictures."""

    def read(self, request: PictureRequest) -> Picture:
        """Read one picture.

        Raises:
            PictureError: it cannot be used; says why.
        """


class InvokedPictureReader:
    """Invokes the function image_fetch: on AWS, or of the stack on this machine."""

    def __init__(self, client: Callable[[], Any], function: str) -> None:
        """Prepare calls.

        Args:
            client: returns a boto3 Lambda client that waits as long as the function may take;
                called with the first picture, because creating a client takes a moment.
            function: name of the function.
        """
        self._client = client
        self._function = function

    def read(self, request: PictureRequest) -> Picture:
        """Read one picture; see ``PictureReader``."""
        try:
            answer = self._client().invoke(
                FunctionName=self._function,
                Payload=request.model_dump_json(exclude_none=True).encode(),
            )
            content = answer["Payload"].read()
            if "FunctionError" in answer:
                raise _unavailable("the function failed")
            reply = PictureReply.model_validate_json(content)
        except (*AWS_ERRORS, ValidationError) as error:
            raise _unavailable(type(error).__name__) from error
        if reply.picture is None:
            problem = reply.problem
            raise PictureError(
                problem.code if problem else "picture_unavailable",
                problem.message if problem else "pictures cannot be read now",
            )
        return reply.picture


def _unavailable(reason: str) -> PictureError:
    log.warning("pictures cannot be read: %s", reason)
    return PictureError("picture_unavailable", "pictures cannot be read now")


def decode_base64(text: str) -> bytes:
    """The bytes of a picture in a request.

    Raises:
        PictureError: the text is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        message = "image_data is not base64 (RFC 4648, without line breaks and without data:)"
        raise PictureError("picture_damaged", message) from error
