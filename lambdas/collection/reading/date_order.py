"""Whether 03/09/2022 is in September or in March: decided over a sample of a dump's dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.collection.reading.written_dates import numeric_date
from shared.errors import IngestError

ORDERS = ("dmy", "mdy", "ymd")
AMBIGUOUS = "ambiguous"
_MAX_CHARACTERS = 40
_MIN_SHARE = 0.95
"""Of dates that fit one order only, this share must agree on the order."""


@dataclass(frozen=True)
class DateOrder:
    """``order`` is one of ORDERS, AMBIGUOUS, or empty where no date depends on it."""

    order: str = ""
    decided_on: str = "sample"


def stated_order(hint: str) -> DateOrder:
    """Read ``date_order`` of a mapping.

    Raises:
        IngestError: mapping_invalid.
    """
    order = "".join(c for c in hint.lower() if c in "dmy")
    order = "".join(dict.fromkeys(order))
    if order not in ORDERS:
        message = f"date_order {hint!r} is not an order; use one of {', '.join(ORDERS)}"
        raise IngestError("mapping_invalid", message)
    return DateOrder(order, "mapping")


def decide_order(values: Mapping[Any, int]) -> DateOrder:
    """Decide the order of day and month from all dates of a sample and their counts."""
    day_first = month_first = unclear = dotted = 0
    for value, count in values.items():
        text = value.strip() if isinstance(value, str) else ""
        match = numeric_date(text) if len(text) <= _MAX_CHARACTERS else None
        if match is None:
            continue
        first, second = int(match["first"]), int(match["second_part"])
        day_first += count * (first > 12 >= second)
        month_first += count * (second > 12 >= first)
        unclear += count * (first <= 12 and second <= 12)
        dotted += count * (match["mark"] == ".")
    clear = day_first + month_first
    if not clear:
        return DateOrder(_order_without_evidence(unclear, dotted))
    if max(day_first, month_first) < clear * _MIN_SHARE:
        return DateOrder(AMBIGUOUS)
    return DateOrder("dmy" if day_first > month_first else "mdy")


def _order_without_evidence(unclear: int, dotted: int) -> str:
    """Dots are written between day, month and year only where the day comes first."""
    if not unclear:
        return ""
    return "dmy" if dotted == unclear else AMBIGUOUS
