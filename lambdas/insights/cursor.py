"""Cursors of keyset pagination: opaque to clients, checked when they come back."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.errors import InvalidInputError

_Position = TypeVar("_Position")


def encode_cursor(kind: TypeAdapter[_Position], position: _Position) -> str:
    """Spell a position."""
    return urlsafe_b64encode(kind.dump_json(position)).decode().rstrip("=")


def decode_cursor(kind: TypeAdapter[_Position], cursor: str) -> _Position:
    """Read a cursor.

    Raises:
        InvalidInputError: it is none of ours; names the field.
    """
    try:
        body = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        # PostgreSQL takes no NUL
        return kind.validate_json(b"" if b"\\u0000" in body else body)
    except (ValueError, ValidationError, binascii.Error) as error:
        told = "the cursor is none that this service gave"
        raise InvalidInputError(told, details={"field": "cursor"}) from error
