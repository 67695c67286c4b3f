"""Dictionaries as Python prints them, converted to JSON in linear time."""

import json
import re
from json.encoder import encode_basestring
from typing import Any

from lambdas.collection.reading.formats.exact import parse_exactly

_START = re.compile(rb"\{\s*u?'")
_TOKEN = re.compile(
    r"""(?<!\w)[uU]?(?:'(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*+)'|"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)")"""
    r"|(?<![\w.])(?P<word>[A-Za-z_]\w*+)|(?<![\w.])(?P<key>-?\d[\w.]*+)(?=\s*+:)"
    r"|(?P<open>\()|,?\s*+(?P<close>\))|(?P<comma>,)(?=\s*+[\]}])|(?P<quote>['\"])",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))", re.DOTALL
)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_CONSTANTS = {"True": "true", "False": "false", "None": "null"}
_MARKS = {"open": "[", "close": "]", "comma": ""}
_LENIENT = json.JSONDecoder(strict=False)


def is_dictionary(body: bytes) -> bool:
    """Whether a record begins like a dictionary of Python with a key in single quotes."""
    return _START.match(body) is not None


def parse_dictionary(text: str) -> dict[str, Any] | None:
    """Parse a dictionary of strings, numbers, constants, lists, tuples and dictionaries.

    Returns:
        The dictionary, tuples as lists; None if it is something else.
    """
    try:
        body = _TOKEN.sub(_as_json, text)
        try:
            values = parse_exactly(body.encode())
        except UnicodeEncodeError:  # halves of surrogate pairs
            values = _LENIENT.decode(body)
    except (ValueError, OverflowError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _as_json(token: re.Match[str]) -> str:
    kind = token.lastgroup or ""
    if kind in ("single", "double"):
        text = token[kind]
        return encode_basestring(_ESCAPE.sub(_unescaped, text) if "\\" in text else text)
    if kind == "word":
        if (constant := _CONSTANTS.get(token[0])) is None:
            raise ValueError(token[0])
        return constant
    if kind == "key":
        return f'"{token[0]}"'
    if kind == "quote":
        raise ValueError("an unclosed string")
    return _MARKS[kind]


def _unescaped(escape: re.Match[str]) -> str:
    byte, short, long, octal, other = escape.groups()
    if digits := byte or short or long:
        return chr(int(digits, 16))
    if octal:
        return chr(int(octal, 8))
    return _SIMPLE.get(other, other if other in "'\"\\" else escape[0])
