"""Types of request values that accept exactly what the contract of the API says.

pydantic alone accepts more: text for a number, 0 for false, a number for a date.
"""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]+(\.0+)?")
_FLAGS = {"true": True, "false": False}
_NO_NUL = r"^[^\u0000]*$"


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic expects it
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - pydantic expects it
    return value


def _day(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("must be a date such as 2026-03-14")


def _query_integer(value: Any) -> Any:
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise ValueError("must be an integer")
    return value


def _query_number(value: Any) -> Any:
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("must be a number")
    return value


def _query_flag(value: Any) -> Any:
    return _flag(_FLAGS.get(value, value) if isinstance(value, str) else value)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL")
    return text


NUMBER = BeforeValidator(_number)
"""Mark of a number in a body; stands after the limits, which the contract would not show else."""
QUERY_INTEGER = BeforeValidator(_query_integer)
"""Mark of an integer in a query, in digits; stands after the limits."""
QUERY_NUMBER = BeforeValidator(_query_number)
"""Mark of a number in a query, in digits; stands after the limits."""
Integer = Annotated[int, NUMBER]
"""A JSON number without a fraction; 5.0 is one."""
Flag = Annotated[bool, BeforeValidator(_flag)]
"""true or false."""
Day = Annotated[date, BeforeValidator(_day)]
"""A date, in a body or a query."""
QueryFlag = Annotated[bool, BeforeValidator(_query_flag)]
"""true or false in a query."""
Cursor = Annotated[
    str,
    Field(
        max_length=2048,
        pattern="^[A-Za-z0-9_-]*=*$",
    ),
]
"""A cursor as shared/http/cursor.py writes it, in a body or a query."""
QueryCursor = Annotated[
    Cursor | None,
    Field(
        description="`next_cursor` of the answer before, with all other parameters unchanged."
        " Absent or empty: from the first entry."
    ),
]
"""The cursor of a list, in a query."""
PlainText = Annotated[
    str, AfterValidator(_without_nul), Field(json_schema_extra={"pattern": _NO_NUL})
]
"""A text without NUL, which PostgreSQL refuses."""
