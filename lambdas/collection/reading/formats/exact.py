"""JSON with the digits of large integers."""

import json
from typing import Any

import orjson

_DIGITS_AS_ZERO = bytes(ord("0") if chr(byte).isdecimal() else byte for byte in range(256))
_LONG_NUMBER = b"0" * 20
"""As many digits as an integer needs that orjson reads as a float."""


def may_have_big_integers(raw: bytes) -> bool:
    """Whether JSON has twenty digits in a row."""
    # Four of any twenty digits in a row are at multiples of five; checking these alone is fast.
    if b"0000" not in raw[::5].translate(_DIGITS_AS_ZERO):
        return False
    return _LONG_NUMBER in raw.translate(_DIGITS_AS_ZERO)


def parse_exactly(raw: bytes) -> Any:
    """Parse JSON with the digits of integers beyond 64 bits, which orjson reads as floats.

    Raises:
        ValueError: it is not JSON as orjson accepts it.
    """
    values = orjson.loads(raw)
    return json.loads(raw) if may_have_big_integers(raw) else values
