"""Parses dates in the notations that dumps use, to microseconds since 1970 in UTC."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from lambdas.collection.reading.date_order import AMBIGUOUS
from lambdas.collection.reading.values import present
from lambdas.collection.reading.written_dates import (
    numeric_date,
    read_numeric_date,
    read_written_date,
)

_EARLIEST = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp())
_LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d*)?(?:[eE]\+?\d{1,2})?")
_FIRST_DAY, _LAST_DAY = 19_800_101, 20_991_231
"""Days as eight digits; read as seconds, all of them would be in 1970."""
_EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_EXCEL_DAYS = (29_221, 73_051)
"""Days of Excel from 1980 to 2099; read as seconds, all of them would be on one day of 1970."""
_AMAZON = re.compile(r"(\d{1,2}) (\d{1,2}), ?(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_MAX_CHARACTERS = 120


def to_micros(value: Any, order: str = "") -> int | None:
    """Parse a date in any known notation.

    Numbers are seconds, milliseconds, microseconds, nanoseconds or days of Excel, by their size; a
    date without a time is midnight UTC, a time without a zone is taken as UTC.

    Args:
        value: a date of a dump.
        order: order of 03/09/2022, see DateOrder; unless it is ``dmy``, ``mdy`` or ``ymd``, only
            dates that have one reading are read (21/8/2022, 5/5/2022).

    Returns:
        Microseconds since 1970-01-01 UTC, or None if the value is not a date between 1980 and 2100.
    """
    if isinstance(value, str):
        return _from_text(value.strip(), order)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_number(value)
    if isinstance(value, Decimal):
        return _from_number(int(value) if value == int(value) else float(value))
    if isinstance(value, datetime):
        return _from_datetime(value)
    if isinstance(value, date):
        return _midnight(value.year, value.month, value.day)
    if isinstance(value, dict) and (inner := present(value)) is not value:
        return to_micros(inner, order)
    return None


def _from_number(value: float) -> int | None:
    if value != value or value <= 0:
        return None
    if _FIRST_DAY <= value <= _LAST_DAY:
        day = int(value)
        return _midnight(day // 10_000, day // 100 % 100, day % 100)
    if _EXCEL_DAYS[0] <= value < _EXCEL_DAYS[1]:
        return _from_datetime(_EXCEL_EPOCH + timedelta(seconds=round(value * 86_400)))
    for scale in (1, 10**3, 10**6, 10**9):
        if _EARLIEST * scale <= value < _LATEST * scale:
            whole = int(value)
            return whole * 10**6 // scale if whole == value else int(value / scale * 10**6)
    return None


def _from_datetime(value: datetime) -> int | None:
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        seconds = moment.timestamp()
    except (OverflowError, ValueError):
        return None
    if not _EARLIEST <= seconds < _LATEST:
        return None
    return round(seconds * 10**6)


def _midnight(year: int, month: int, day: int) -> int | None:
    try:
        return _from_datetime(datetime(year, month, day, tzinfo=UTC))
    except ValueError:
        return None


def _from_text(text: str, order: str) -> int | None:
    if len(text) > _MAX_CHARACTERS:
        return None
    if text[4:5] == "-" and (micros := _from_iso(text)) is not None:
        return micros
    if _NUMBER.fullmatch(text):
        return _from_number(int(text) if text.lstrip("-").isdigit() else float(text))
    if match := _AMAZON.fullmatch(text):
        month, day, year = match.groups()
        return _midnight(int(year), int(month), int(day))
    if match := _YEAR_FIRST.fullmatch(text):
        year, _, month, day = match.groups()
        return _midnight(int(year), int(month), int(day))
    if numeric := numeric_date(text):
        return _from_numeric(numeric, order)
    if moment := read_written_date(text):
        return _from_datetime(moment)
    return _from_iso(text)


def _from_numeric(match: re.Match[str], order: str) -> int | None:
    if order and order != AMBIGUOUS:
        moment = read_numeric_date(match, order)
        return _from_datetime(moment) if moment else None
    moments = {read_numeric_date(match, order) for order in ("dmy", "mdy")} - {None}
    moment = moments.pop() if len(moments) == 1 else None
    return _from_datetime(moment) if moment else None


def _from_iso(text: str) -> int | None:
    try:
        return _from_datetime(datetime.fromisoformat(text.removesuffix(" UTC")))
    except ValueError:
        return None
