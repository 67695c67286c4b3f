"""How a dump writes ratings and dates, decided once before its first row."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from lambdas.collection.reading.columns import WELL_KNOWN, normalise
from lambdas.collection.reading.date_order import AMBIGUOUS, DateOrder, decide_order, stated_order
from lambdas.collection.reading.rating_scale import (
    RatingScale,
    ScaleDecision,
    decide_scale,
    stated_scale,
)
from lambdas.collection.reading.values import present

_RECOMMENDATIONS = frozenset(WELL_KNOWN["rating"][-1])


@dataclass(frozen=True)
class Conventions:
    """The scale of ratings and the order of day and month."""

    scale: ScaleDecision = field(
        default_factory=lambda: ScaleDecision(RatingScale(), "sample", "no sample")
    )
    dates: DateOrder = field(default_factory=DateOrder)

    @classmethod
    def decide(
        cls,
        *,
        ratings: list[Any],
        dates: list[Any],
        rating_columns: Iterable[str],
        hints: Mapping[str, str],
        is_family: bool = False,
    ) -> Self:
        """Take what the mapping states, and decide the rest from a sample.

        Raises:
            IngestError: mapping_invalid; rating_scale or date_order has no meaning.
        """
        if "rating_scale" in hints:
            scale = stated_scale(hints["rating_scale"])
        else:
            recommends = any(normalise(name) in _RECOMMENDATIONS for name in rating_columns)
            scale = decide_scale(_count(ratings), recommends=recommends, is_family=is_family)
        stated = hints.get("date_order")
        if stated is not None:
            return cls(scale, stated_order(stated))
        return cls(scale, decide_order(_count(dates)))

    def details(self) -> dict[str, Any]:
        """What the profile of a dump records."""
        details: dict[str, Any] = {"rating_scale": self.scale.details()}
        if self.dates.order:
            details["date_order"] = self.dates.order
        return details

    def warnings(self) -> list[str]:
        """Doubts that the mapping can resolve."""
        warnings = []
        if self.scale.doubt:
            warnings.append(
                f"the rating scale {self.scale.scale.name} is uncertain ({self.scale.evidence}); "
                "if it is wrong, state the scale in the mapping, such as rating_scale=10"
            )
        if self.dates.order == AMBIGUOUS:
            warnings.append(
                "the order of day and month is not clear, such dates are not stored; date_order "
                "(dmy or mdy) in the mapping states it"
            )
        return warnings


def _count(values: list[Any]) -> Counter[Any]:
    """Count distinct values; if some cannot be keys, the text of each."""
    try:
        return Counter(values)
    except TypeError:
        return Counter(str(present(value)) for value in values)
