"""Ratings, flags and counts, from the types and spellings that dumps use."""

from decimal import Decimal
from typing import Any

from shared.schemas.ingest import RejectReason

LOWEST, HIGHEST = 1.0, 5.0
_CACHE_LIMIT = 10_000
_YES = frozenset({"y", "yes", "true", "t", "1", "1.0"})
_NO = frozenset({"n", "no", "false", "f", "0", "0.0"})
_INT32_MAX = 2**31 - 1


def parse_rating(value: Any) -> float | RejectReason | None:
    """Read a rating: None where there is none, a reason where it is none of 1..5."""
    if isinstance(value, str):
        value = value.strip()
        if "_" in value:  # float() would take 1_0
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
    return stars if LOWEST <= stars <= HIGHEST else RejectReason.RATING_OUT_OF_RANGE


class RatingReader:
    """parse_rating with a memory: a dump has few distinct ratings."""

    def __init__(self) -> None:
        self._known: dict[Any, float | RejectReason | None] = {None: None}

    def __call__(self, value: Any) -> float | RejectReason | None:
        """Read one value; equal values are read once."""
        if value.__class__ is bool:  # equal to 0 or 1, yet no rating
            return RejectReason.RATING_INVALID
        try:
            return self._known[value]
        except KeyError:
            if len(self._known) >= _CACHE_LIMIT:
                self._known.clear()
            stars = self._known[value] = parse_rating(value)
            return stars
        except TypeError:
            return RejectReason.RATING_INVALID


def parse_flag(value: Any) -> bool | None:
    """Read ``verified``: booleans, Y and N, yes and no, 1 and 0; None for anything else."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _YES:
        return True
    return False if text in _NO else None


def parse_votes(value: Any) -> int | None:
    """Read helpful votes: 3, "1,341", [3, 5] and "3 of 5" (three found it helpful)."""
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
