"""The scale of a dump's ratings: stated by the mapping, or decided from a sample."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.collection.reading.ratings import Mark, RatingProblem, read_mark
from shared.errors import IngestError

LOWEST_STARS = 0.5
_MIN_SHARE_ABOVE = 0.1
"""At this share of ratings above 5, a scale reaches 10; fewer are errors in the data."""
_MIN_RATINGS_WITH_TOP = 50
"""Among this many ratings on a scale, its highest value is expected to occur."""
_HINT = re.compile(r"(?:([01])\s*(?:\.\.|-|to)\s*)?([0-9]{1,3})")


@dataclass(frozen=True)
class RatingScale:
    """Converts ratings to stars in proportion: 8 of 10 are 4 stars, halves are kept.

    ``lowest`` and ``top`` bound plain numbers; a mark that states its own top ("8/10") uses that.
    """

    name: str = "1..5"
    lowest: float = 1
    top: float = 5
    binary: bool = False
    zero_is_rating: bool = False

    def stars(self, value: Any) -> float | RatingProblem | None:
        """Convert a rating to 0.5..5 stars; None where it is missing."""
        mark = read_mark(value)
        if not isinstance(mark, Mark):
            return mark
        lowest, top = (self.lowest, self.top) if mark.out_of is None else (0, mark.out_of)
        if self.binary and mark.out_of is None:
            if mark.value not in (0, 1):
                return RatingProblem.OUT_OF_SCALE
            return 5.0 if mark.value else 1.0
        if mark.value == 0 and not self.zero_is_rating and top != 100:
            return RatingProblem.NOT_RATED
        if not lowest <= mark.value <= top:
            return RatingProblem.OUT_OF_SCALE
        stars = mark.value if top == 5 else mark.value * 5 / top
        return max(stars, LOWEST_STARS)


@dataclass(frozen=True)
class ScaleDecision:
    """A scale and the reason for it."""

    scale: RatingScale
    decided_on: str
    evidence: str
    doubt: bool = False

    def details(self) -> dict[str, Any]:
        """The decision for the profile of a dump."""
        return {
            "scale": self.scale.name,
            "decided_on": self.decided_on,
            "evidence": self.evidence,
            "doubt": self.doubt,
        }


def stated_scale(hint: str) -> ScaleDecision:
    """Read ``rating_scale`` of a mapping: ``10``, ``1..10``, ``0..5``, ``percent`` or ``0..1``.

    Raises:
        IngestError: mapping_invalid.
    """
    text = hint.strip().lower().removesuffix("%").strip()
    text = "0..100" if text in ("percent", "100", "") and hint.strip() else text
    match = _HINT.fullmatch(text)
    top = int(match[2]) if match else 0
    if match is None or not (top in (1, 100) or 3 <= top <= 20):
        message = f"rating_scale {hint!r} is not a scale; use 5, 10, 100, 1..10, 0..5 or percent"
        raise IngestError("mapping_invalid", message)
    lowest = 0 if top in (1, 100) else int(match[1] or 1)
    stated_zero = lowest == 0
    scale = RatingScale(f"{lowest}..{top}", lowest, top, zero_is_rating=stated_zero)
    return ScaleDecision(scale, "mapping", f"rating_scale={hint.strip()}")


def decide_scale(
    values: Mapping[Any, int], *, recommends: bool, is_family: bool = False
) -> ScaleDecision:
    """Decide the scale from a sample of ratings.

    Args:
        values: ratings as the dump has them, with their counts.
        recommends: whether the column states a recommendation, in which 0 and 1 are no and yes.
        is_family: whether the dump is of a known family, whose scale is 1..5 even if its sample
            has low ratings only.
    """
    marks = Counter[Mark]()
    for value, count in values.items():
        if isinstance(mark := read_mark(value), Mark):
            marks[mark] += count
    numbers = Counter[float]()
    for mark, count in marks.items():
        if mark.out_of is None and mark.value >= 0:
            numbers[mark.value] += count
    if not numbers:
        return _scale_of_notations(marks)
    rated = sum(count for value, count in numbers.items() if value > 0)
    if recommends and numbers.keys() <= {0, 1}:
        scale = RatingScale("words", 0, 1, binary=True)
        return ScaleDecision(scale, "sample", f"{numbers.total()} recommendations, 0 or 1")
    evidence = f"{numbers.total()} ratings from {min(numbers):g} to {max(numbers):g}"
    scale = _scale_of_numbers(numbers, rated)
    doubt = _is_doubtful(scale, numbers, rated)
    if is_family and scale.top == 5 and max(numbers) <= 5:
        doubt = False
    return ScaleDecision(scale, "sample", evidence, doubt)


def _scale_of_notations(marks: Counter[Mark]) -> ScaleDecision:
    if not marks:
        return ScaleDecision(RatingScale(), "sample", "no ratings in the sample")
    notation = Counter[tuple[str, float]]()
    for mark, count in marks.items():
        notation[mark.notation, mark.out_of or 5] += count
    (name, top), count = notation.most_common(1)[0]
    label = {"percent": "percent", "words": "words"}.get(name, f"1..{top:g}")
    evidence = f"{count} ratings as {name}"
    return ScaleDecision(RatingScale(label), "sample", evidence)


def _scale_of_numbers(numbers: Counter[float], rated: int) -> RatingScale:
    def share_above(limit: float) -> float:
        return sum(n for value, n in numbers.items() if limit < value <= 100) / (rated or 1)

    fractions = any(0 < value < 1 for value in numbers)
    if share_above(10) >= _MIN_SHARE_ABOVE:
        return RatingScale("0..100", 0, 100, zero_is_rating=True)
    lowest = 0 if fractions else 1
    if share_above(5) >= _MIN_SHARE_ABOVE:
        return RatingScale(f"{lowest}..10", lowest, 10, zero_is_rating=fractions)
    if fractions and max(numbers) <= 1:
        return RatingScale("0..1", 0, 1, zero_is_rating=True)
    return RatingScale(f"{lowest}..5", lowest, 5, zero_is_rating=fractions)


def _is_doubtful(scale: RatingScale, numbers: Counter[float], rated: int) -> bool:
    """Whether ratings exceed the scale, or never come near its top."""
    highest = max(numbers)
    if highest > scale.top or scale.top == 1:
        return True
    near_top = {10: 9, 100: 80}.get(int(scale.top))
    if near_top is not None:
        return highest < near_top
    return highest < scale.top and rated >= _MIN_RATINGS_WITH_TOP
