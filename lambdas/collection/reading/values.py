"""Parses identifiers, names, flags and counts in the types and notations that dumps use."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Generic, TypeVar

Parsed = TypeVar("Parsed")

MISSING_WORDS = frozenset(
    ("", "nan", "nat", "na", "n/a", "<na>", "#n/a", "null", "\\n", "none", "-")
)
"""What programs write for a missing value, in lower case."""
MAX_MISSING_CHARACTERS = max(map(len, MISSING_WORDS))
_EXTENDED_JSON = frozenset(
    [
        "$numberDouble",
        "$numberInt",
        "$numberLong",
        "$numberDecimal",
        "$oid",
        "$date",
        "$uuid",
        "$symbol",
    ]
)
_WHOLE_FLOAT = re.compile(r"[0-9]+\.0")
_CACHE_LIMIT = 10_000
_MAX_KEY_CHARACTERS = 300
_ABSENT = object()
_VERIFIED = ("verified", "verified purchase", "verified buyer")
_YES = frozenset(
    ("y", "yes", "true", "t", "1", "1.0", "ja", "oui", "sí", "sì", "si", "sim", *_VERIFIED)
)
_NO = frozenset(("n", "no", "false", "f", "0", "0.0", "nein", "non", "não", "unverified"))
_INT32_MAX = 2**31 - 1
_PEOPLE = r"(?:people|persons?|customers?|users?|personen?|personnes?|personas?|persone|pessoas?)"
_VOTES_IN_WORDS = re.compile(
    r"(?:.{0,20}\s)?(?:(?P<number>\d{1,3}(?:[., \u00a0\u202f]\d{3})+|\d{1,9})"
    rf"|one|eine|une?|una|uma)\s{_PEOPLE}\b.{{0,60}}",
    re.IGNORECASE,
)
_SHARE_OF_VOTES = re.compile(
    r"(\d{1,9})\s*(?:/|\bof\b|\bvon\b|\bsur\b)\s*\d{1,9}\b.*", re.IGNORECASE
)


def is_missing_word(text: str) -> bool:
    """Whether a text stands for a missing value, such as ``NULL`` or ``n/a``."""
    return len(text) <= MAX_MISSING_CHARACTERS and text.casefold() in MISSING_WORDS


def present(value: Any) -> Any:
    """Give a value without its wrapping, or None for a missing one.

    NaN, infinity and the words in MISSING_WORDS are missing. MongoDB extended JSON
    (``{"$numberLong": "5"}``), the ``{"label": "5"}`` of the App Store and the ratings of JSON-LD
    (``{"ratingValue": 4, "bestRating": 5}``) are unwrapped; text loses white space at both ends.
    """
    if isinstance(value, str):
        text = value.strip()
        return None if is_missing_word(text) else text
    if isinstance(value, float | Decimal):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _EXTENDED_JSON or key == "label":
                return present(inner)
        if "ratingValue" in value:
            return _json_ld_rating(value)
    return value


def _json_ld_rating(value: dict[Any, Any]) -> Any:
    rating, best = present(value["ratingValue"]), present(value.get("bestRating"))
    if isinstance(rating, str | int | float) and isinstance(best, str | int | float):
        return f"{rating}/{best}"
    return rating


def parse_name(value: Any) -> str | None:
    """Give a name, number or code as text; whole floats lose their ``.0``."""
    if value.__class__ is int:
        return str(value)
    value = present(value)
    if value is None or isinstance(value, list | tuple | dict):
        return None
    if isinstance(value, float | Decimal) and value == int(value):
        return str(int(value))
    return str(value)


def parse_identifier(value: Any) -> str | None:
    """Give an identifier as text; ``12345.0`` becomes ``12345`` as number and as text."""
    if value.__class__ is str:  # most identifiers, decided with few steps
        if len(value) > MAX_MISSING_CHARACTERS and value.isalnum():
            return value
        name: str | None = value.strip()
        if name and len(name) > MAX_MISSING_CHARACTERS and name[-2:] != ".0":
            return name
    name = parse_name(value)
    if name is not None and name.endswith(".0") and _WHOLE_FLOAT.fullmatch(name):
        return name[:-2]
    return name


def parse_flag(value: Any) -> bool | None:
    """Parse ``verified``: booleans, Y and N, yes and no, 1 and 0; None for anything else."""
    if value.__class__ is bool:
        return value
    value = present(value)
    if value is None or isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in _YES:
        return True
    return False if text in _NO else None


def parse_votes(value: Any) -> int | None:
    """Parse helpful votes: 3, "1,341", [3, 5], "3 of 5" and "12 people found this helpful"."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if value.__class__ is not int:
        value = present(value)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = _votes_in_text(value)
    try:
        votes = int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None
    return votes if 0 <= votes <= _INT32_MAX else None


def _votes_in_text(text: str) -> str:
    if match := _VOTES_IN_WORDS.fullmatch(text):
        return re.sub(r"\D", "", match["number"]) if match["number"] else "1"
    if match := _SHARE_OF_VOTES.fullmatch(text):
        return match[1]
    return text.replace(",", "") if len(text) <= 20 else ""


class Memoizer(Generic[Parsed]):
    """Parses each distinct value once: dumps have few distinct ratings, flags and counts.

    Values that cannot be keys (lists) are parsed every time; so are booleans, which equal 0 and 1.
    """

    def __init__(self, parse: Callable[[Any], Parsed]) -> None:
        self._parse = parse
        self._cache: dict[Any, Any] = {}
        self._get = self._cache.get

    def __call__(self, value: Any) -> Parsed:
        """Parse one value; equal values are parsed once."""
        try:
            parsed = self._get(value, _ABSENT)
        except TypeError:
            return self._parse(value)
        if value.__class__ is bool:
            return self._parse(value)
        if parsed is not _ABSENT:
            return parsed  # type: ignore[no-any-return]
        cache = self._cache
        if len(cache) >= _CACHE_LIMIT:
            cache.clear()
        parsed = self._parse(value)
        if value.__class__ is not str or len(value) <= _MAX_KEY_CHARACTERS:
            cache[value] = parsed
        return parsed
