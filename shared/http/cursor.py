"""Cursors of keyset pagination: opaque to clients, validated when they are sent back."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.errors import InvalidInputError

_Position = TypeVar("_Position")


def encode_cursor(kind: TypeAdapter[_Position], position: _Position) -> str:
    """Encode a position as a cursor."""
    return urlsafe_b64encode(kind.dump_json(position)).decode().rstrip("=")


def decode_cursor(kind: TypeAdapter[_Position], cursor: str) -> _Position:
    """Decode the position of a cursor.

    Raises:
        InvalidInputError: it is not a cursor of this kind; names the field.
    """
    try:
        body = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        # PostgreSQL refuses NUL
        return kind.validate_json(b"" if b"\\u0000" in body else body)
    except (ValueError, ValidationError, binascii.Error) as error:
        message = "the cursor was not returned by this route"
        raise InvalidInputError(message, details={"field": "cursor"}) from error
