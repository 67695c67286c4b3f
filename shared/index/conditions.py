"""Converts the filters of a search to an SQL condition for the side file of an index."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.schemas.review import SERVED_FIELDS, FieldType, Filter, ReviewField
from shared.schemas.search import SearchFilters
from shared.schemas.sentiment import LABELS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Where:
    """A condition in SQL with its parameters."""

    sql: str
    parameters: tuple[object, ...]


_UNDERSTOOD = "understood IS NOT 0"
"""The model understands the review; null: an earlier release analysed it."""
NOTHING = Where("0", ())
"""Matches no row."""


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 (UTC), exact; this is how the side file stores times."""
    return (moment.astimezone(UTC) - EPOCH) // _MICROSECOND


def where_of(filters: SearchFilters | None, missing: Collection[str] = ()) -> Where | None:
    """The combined condition of all filters; None if there are none.

    Args:
        filters: the filters of the search.
        missing: fields that the index lacks; a filter by one of them matches no row.
    """
    if filters is None:
        return None
    conditions = [
        NOTHING if field.name in missing else condition
        for field in SERVED_FIELDS
        if field.filter is not None
        for condition in _CONDITIONS[field.filter](field, filters)
    ]
    if not conditions:
        return None
    parameters = tuple(value for condition in conditions for value in condition.parameters)
    where = " AND ".join(condition.sql for condition in conditions)
    if filters.sentiment or filters.sentiments:
        where += "" if "understood" in missing else f" AND {_UNDERSTOOD}"
    return Where(where, parameters)


def _equals(field: ReviewField, filters: SearchFilters) -> list[Where]:
    value = getattr(filters, field.name)
    return [] if value is None else [Where(f"{field.name} = ?", (value,))]


def _among(field: ReviewField, filters: SearchFilters) -> list[Where]:
    """Both the filter of one value and that of several must hold."""
    one, several = getattr(filters, field.name), getattr(filters, f"{field.name}s")
    if one is None and several is None:
        return []
    values = set(several) if several is not None else {one}
    if one is not None:
        values &= {one}
    stored = sorted(map(LABELS.index, values) if field.type == FieldType.SENTIMENT else values)
    return [Where(f"{field.name} IN ({', '.join('?' * len(stored))})", tuple(stored))]


def _range(field: ReviewField, filters: SearchFilters) -> list[Where]:
    lower, upper = (getattr(filters, name) for name in field.bounds)
    before = "<="
    if field.type == FieldType.MOMENT:
        lower, upper, before = _start_of(lower), _start_of(_next_day(upper)), "<"
    bounds = ((">=", lower), (before, upper))
    return [
        Where(f"{field.name} {sign} ?", (value,)) for sign, value in bounds if value is not None
    ]


_CONDITIONS: dict[Filter, Callable[[ReviewField, SearchFilters], list[Where]]] = {
    Filter.EQUALS: _equals,
    Filter.AMONG: _among,
    Filter.RANGE: _range,
}


def _start_of(day: date | None) -> int | None:
    return None if day is None else microseconds(datetime.combine(day, time(), UTC))


def _next_day(day: date | None) -> date | None:
    return None if day is None or day == date.max else day + timedelta(days=1)
