"""Lambda entry of image_fetch; inference invokes it."""

import json
from typing import Any

from lambdas.image_fetch.dependencies import build_fetcher
from lambdas.image_fetch.service import read
from shared.schemas.invocations import refusing_invalid_events
from shared.schemas.picture import PictureRequest


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's form
    """Read one picture.

    Args:
        event: a PictureRequest.
        context: not used.

    Returns:
        A PictureReply.

    Raises:
        InvalidInputError: the event is not a PictureRequest; names the field.
    """
    with refusing_invalid_events():
        # bytes are only base64 in JSON, and Lambda has parsed it
        request = PictureRequest.model_validate_json(json.dumps(event))
    return read(request, build_fetcher()).model_dump(mode="json")
