"""When a review was written: microseconds since 1970 in UTC, from the spellings dumps use."""

import re
from datetime import UTC, date, datetime
from typing import Any

_EARLIEST = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp())
_LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d*)?")
_AMAZON = re.compile(r"(\d{1,2}) (\d{1,2}), ?(\d{4})")
_WORDS = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[- ]([A-Za-z]{3,9})\.?,?[- ](\d{4}|\d{2})")
_ISO_SLASH = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")


def to_micros(value: Any) -> int | None:
    """Read a date of any known spelling.

    Numbers are seconds, milliseconds, microseconds or nanoseconds by their size; a date without a
    time is midnight UTC, a time without a zone is taken as UTC.

    Returns:
        Microseconds since 1970-01-01 UTC, or None where the value is no date between 1980 and 2100.
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_number(value)
    if isinstance(value, datetime):
        return _from_datetime(value)
    if isinstance(value, date):
        return _of(value.year, value.month, value.day)
    return None


def _from_number(value: float) -> int | None:
    if value != value or value <= 0:
        return None
    for scale, per_second in ((1, 1), (10**3, 10**3), (10**6, 10**6), (10**9, 10**9)):
        if _EARLIEST * scale <= value < _LATEST * scale:
            return (
                int(value * 10**6 // per_second)
                if isinstance(value, int)
                else int(value / per_second * 10**6)
            )
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


def _of(year: int, month: int, day: int) -> int | None:
    try:
        return _from_datetime(datetime(year, month, day, tzinfo=UTC))
    except ValueError:
        return None


def _from_text(text: str) -> int | None:
    text = text.strip()
    if len(text) > 60:
        return None
    if _NUMBER.fullmatch(text):
        if len(text) == 8 and text.startswith(("19", "20")):
            return _of(int(text[:4]), int(text[4:6]), int(text[6:]))
        return _from_number(float(text) if "." in text else int(text))
    return _from_pattern(text) or _from_iso(text)


def _from_pattern(text: str) -> int | None:
    if found := _AMAZON.fullmatch(text):
        month, day, year = found.groups()
        return _of(int(year), int(month), int(day))
    if found := _WORDS.fullmatch(text):
        month, day, year = found.groups()
        return _of(int(year), _MONTHS.get(month[:3].lower(), 0), int(day))
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year = found.groups()
        return _of(_full_year(year), _MONTHS.get(month[:3].lower(), 0), int(day))
    if found := _ISO_SLASH.fullmatch(text):
        year, month, day = found.groups()
        return _of(int(year), int(month), int(day))
    return None


def _full_year(year: str) -> int:
    if len(year) == 4:
        return int(year)
    return 2000 + int(year) if int(year) < 70 else 1900 + int(year)


def _from_iso(text: str) -> int | None:
    spelled = text.removesuffix(" UTC")
    try:
        return _from_datetime(datetime.fromisoformat(spelled))
    except ValueError:
        return None
