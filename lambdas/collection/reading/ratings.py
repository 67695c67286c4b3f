"""Reads ratings in the notations that dumps use: numbers, shares, star characters and words."""

import re
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from lambdas.collection.reading.values import present


class RatingProblem(Enum):
    """Why a value is no rating."""

    UNREADABLE = "unreadable"
    OUT_OF_SCALE = "out of scale"
    NOT_RATED = "not rated"
    """A zero on a scale that begins at one."""


class Mark(NamedTuple):
    """A rating as written: 8 out of 10; ``out_of`` is None for a plain number."""

    value: float
    out_of: float | None
    notation: str


_NUMBER = r"(-?(?:[0-9]{1,9}(?:[.,][0-9]{0,12})?|[.,][0-9]{1,12}))"
_STAR_WORD = (
    r"(?:stars?|sterne?n?|[ée]toiles?|estrellas?|stell[ae]|estrelas?|sterren|points?|punkte?n?"
    r"|[★⭐])"
)
_PLAIN = re.compile(rf"{_NUMBER}(?:\s*{_STAR_WORD})?", re.IGNORECASE)
_PERCENT = re.compile(rf"{_NUMBER}\s*(?:%|percent)", re.IGNORECASE)
_OUT_OF = re.compile(
    rf"(?:[^\W\d_]+[\s:]+){{0,3}}{_NUMBER}\s*{_STAR_WORD}?\s*"
    rf"(?:/|(?:out\s+of|of|von|sur|de|su|van|em)\s)\s*([0-9]{{1,3}})(?:[.,]0+)?(?:\s*{_STAR_WORD})?",
    re.IGNORECASE,
)
_TOPS = frozenset((3, 4, 5, 6, 7, 10, 20, 100))
_STARS = re.compile(r"([★⭐🌟✭✮✯*]*)(½?)([☆✩✰]*)")
_LABEL = re.compile(r"^(?:recommend(?:ed|s)?|would recommend)\s*[:=?]\s*")
_NUMBER_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_POSITIVE = (
    *("yes", "y", "true", "t", "recommended", "recommend", "thumbs up", "thumb up", "thumbsup"),
    *("up", "like", "liked", "positive", "👍", "ja", "oui", "sí", "sì", "si", "sim"),
)
_NEGATIVE = (
    *("no", "n", "false", "f", "not recommended", "thumbs down", "thumb down", "thumbsdown"),
    *("down", "dislike", "disliked", "negative", "👎", "nein", "non", "não"),
)
_WORDS = {
    **dict.fromkeys(_POSITIVE, 5.0),
    **dict.fromkeys(("neutral", "mixed"), 3.0),
    **dict.fromkeys(_NEGATIVE, 1.0),
}


def read_mark(value: Any) -> Mark | RatingProblem | None:
    """Read a rating as it is written, on any scale; None where it is missing."""
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return RatingProblem.UNREADABLE
    value = present(value)
    if value is None:
        return None
    if isinstance(value, str):
        return _mark_in_text(value)
    if isinstance(value, bool):
        return Mark(5.0 if value else 1.0, 5, "words")
    if isinstance(value, int | float | Decimal):
        try:
            return Mark(float(value), None, "number")
        except OverflowError:
            return RatingProblem.UNREADABLE
    return RatingProblem.UNREADABLE


def _mark_in_text(text: str) -> Mark | RatingProblem:
    if match := _PLAIN.fullmatch(text):
        return Mark(_number(match[1]), None, "number")
    if len(text) > 80:
        return RatingProblem.UNREADABLE
    if match := _PERCENT.fullmatch(text):
        return Mark(_number(match[1]), 100, "percent")
    if match := _OUT_OF.fullmatch(text):
        top = int(match[2])
        return Mark(_number(match[1]), top, f"out of {top}") if top in _TOPS else _UNREADABLE
    if match := _STARS.fullmatch(text.replace("\ufe0f", "").replace(" ", "")):
        return _star_characters(*match.groups())
    return _mark_in_words(" ".join(text.casefold().replace("_", " ").split()))


_UNREADABLE = RatingProblem.UNREADABLE


def _star_characters(filled: str, half: str, empty: str) -> Mark:
    """``★★★★☆``; filled stars alone are out of five, or of ten if there are more."""
    stars = len(filled) + (0.5 if half else 0)
    total = len(filled) + len(half) + len(empty)
    top = total if empty else 5
    return Mark(stars, top if total <= top else 10, "star characters")


def _mark_in_words(text: str) -> Mark | RatingProblem:
    text = _LABEL.sub("", text)
    if (stars := _WORDS.get(text)) is not None:
        return Mark(stars, 5, "words")
    if (number := _NUMBER_WORDS.get(re.sub(r" stars?$", "", text))) is not None:
        return Mark(float(number), 5, "words")
    return RatingProblem.UNREADABLE


def _number(text: str) -> float:
    return float(text.replace(",", "."))
