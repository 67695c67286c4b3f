"""Parses ratings, flags and counts in the types and notations that dumps use."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Generic, TypeVar

from shared.schemas.ingest import RejectReason

Parsed = TypeVar("Parsed")

_MIN_STARS, _MAX_STARS = 1.0, 5.0
_RATING_IN_WORDS = re.compile(
    r"(-?[0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(?:stars?|(?:out\s+of|of|/)\s*5(?:\.0)?(?:\s*stars?)?)",
    re.IGNORECASE,
)
_CACHE_LIMIT = 10_000
_MAX_KEY_CHARACTERS = 300
_YES = frozenset({"y", "yes", "true", "t", "1", "1.0"})
_NO = frozenset({"n", "no", "false", "f", "0", "0.0"})
_INT32_MAX = 2**31 - 1


def parse_rating(value: Any) -> float | RejectReason | None:
    """Parse a rating: None where it is missing, a reason where it is not within 1..5."""
    if isinstance(value, str):
        value = value.strip()
        if match := _RATING_IN_WORDS.fullmatch(value):  # "5 stars", "4.0 out of 5 stars", "3/5"
            value = match[1]
        elif "_" in value:  # float() would take 1_0
            return RejectReason.RATING_INVALID
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return RejectReason.RATING_INVALID
    try:
        stars = float(value)
    except OverflowError:
        return RejectReason.RATING_OUT_OF_RANGE
    except ValueError:
        return RejectReason.RATING_INVALID
    return stars if _MIN_STARS <= stars <= _MAX_STARS else RejectReason.RATING_OUT_OF_RANGE


def parse_flag(value: Any) -> bool | None:
    """Parse ``verified``: booleans, Y and N, yes and no, 1 and 0; None for anything else."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _YES:
        return True
    return False if text in _NO else None


def parse_votes(value: Any) -> int | None:
    """Parse helpful votes: 3, "1,341", [3, 5] and "3 of 5" (three found it helpful)."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, list | tuple):
        return parse_votes(value[0]) if value and not isinstance(value[0], list | tuple) else None
    if isinstance(value, str):
        text = value.strip().partition(" of ")[0].replace(",", "")
        if not text or len(text) > 20:
            return None
        value = text
    try:
        votes = int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return votes if 0 <= votes <= _INT32_MAX else None


class Memoizer(Generic[Parsed]):
    """Parses each distinct value once: dumps have few distinct ratings, flags and counts.

    Values that cannot be keys (lists) are parsed every time; so are booleans, which equal 0 and 1.
    """

    def __init__(self, parse: Callable[[Any], Parsed]) -> None:
        self._parse = parse
        self._cache: dict[Any, Parsed] = {}

    def __call__(self, value: Any) -> Parsed:
        """Parse one value; equal values are parsed once."""
        if value.__class__ is bool:
            return self._parse(value)
        cache = self._cache
        try:
            return cache[value]
        except KeyError:
            if len(cache) >= _CACHE_LIMIT:
                cache.clear()
            parsed = self._parse(value)
            if value.__class__ is not str or len(value) <= _MAX_KEY_CHARACTERS:
                cache[value] = parsed
            return parsed
        except TypeError:
            return self._parse(value)
