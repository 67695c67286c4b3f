"""Dates with the name of a month, and what sites write before and after them."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from lambdas.collection.reading.months import MONTHS

_PREFIX = r"(?:[^\d\n]{0,80}[^\w\n])?"
_WORD = r"(?P<month>[^\W\d_]{3,10})\.?"
_YEAR = r"(?P<year>\d{4}|\d{2})"
_ORDINAL = r"(?:st|nd|rd|th|er|º|\.)?"
_GAP = r"(?:[-/]| +(?:del? +)?)"
_TIME = (
    r"(?:(?:,|T|\s)\s*(?:at\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    r"(?:[.,]\d{1,9})?\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>[+-]\d{2}:?\d{2}|[A-Z]{1,4})?)?"
)
_PATTERNS = tuple(
    re.compile(pattern + _TIME, re.IGNORECASE)
    for pattern in (
        rf"{_PREFIX}{_WORD} +(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? +(?P<year>\d{{4}})",
        rf"{_PREFIX}(?P<day>\d{{1,2}}){_ORDINAL}(?:[-/]| +(?:de +|of +)?){_WORD},?{_GAP}{_YEAR}",
    )
)
_CTIME = re.compile(
    r"[A-Za-z]{3},? (?P<month>[A-Za-z]{3}) +(?P<day>\d{1,2}) (?P<hour>\d{1,2}):(?P<minute>\d{2}):"
    r"(?P<second>\d{2})(?: (?P<zone>[+-]\d{4}|[A-Z]{1,4}))? (?P<year>\d{4})"
)
_NUMERIC = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second_part>\d{1,2})(?P=mark)" + _YEAR + _TIME,
    re.IGNORECASE,
)
_ZONE_HOURS = {
    **dict.fromkeys(("", "Z", "UTC", "GMT"), 0),
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "CET": 1,
    "CEST": 2,
    "BST": 1,
}


def read_written_date(text: str) -> datetime | None:
    """Read a date with the name of a month.

    Examples are ``Reviewed in India on 14 August 2019``, ``3. Mai 2020``, ``5 de marzo de 2021``,
    ``31-Jul-18`` and ``Fri Aug 25 13:55:02 -0700 2017``.
    """
    for pattern in (_CTIME, *_PATTERNS):
        if match := pattern.fullmatch(text):
            month = MONTHS.get(match["month"].casefold(), 0)
            if month:
                return _moment(match, full_year(match["year"]), month, int(match["day"]))
    return None


def numeric_date(text: str) -> re.Match[str] | None:
    """Match ``21/8/2022 8:06``, ``21.8.22`` or ``8-21-2022``."""
    return _NUMERIC.fullmatch(text)


def read_numeric_date(match: re.Match[str], order: str) -> datetime | None:
    """Read a match of ``numeric_date`` as ``dmy``, ``mdy`` or ``ymd``."""
    first, second, third = int(match["first"]), int(match["second_part"]), match["year"]
    if order == "ymd":
        return _moment(match, full_year(f"{first:02}"), second, int(third))
    day, month = (first, second) if order == "dmy" else (second, first)
    return _moment(match, full_year(third), month, day)


def full_year(year: str) -> int:
    """Complete a year of two digits: 70 to 99 belong to the last century."""
    if len(year) == 4:
        return int(year)
    return 2000 + int(year) if int(year) < 70 else 1900 + int(year)


def _moment(match: re.Match[str], year: int, month: int, day: int) -> datetime | None:
    parts = match.groupdict()
    hour = int(parts["hour"] or 0)
    if half := parts.get("half"):
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    minute, second = int(parts["minute"] or 0), int(parts["second"] or 0)
    zone = _zone(parts["zone"] or "")
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def _zone(text: str) -> tzinfo:
    """A known zone; an unknown one is read as UTC."""
    if text[:1] in ("+", "-"):
        offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
        return timezone(-offset if text[0] == "-" else offset)
    return timezone(timedelta(hours=hours)) if (hours := _ZONE_HOURS.get(text.upper())) else UTC
