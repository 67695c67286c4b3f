"""Reviews over time: intervals without gaps, and since when they say something else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import add
from typing import Any

from lambdas.insights.figures import change_of, figures_of, freshness_of, reviews_link
from shared.db.insights.trends import DaySums, TrendFilters, Trends
from shared.errors import InvalidInputError
from shared.schemas.insights import Change, Interval, Segment, SegmentKind, Segments, Trend
from shared.statistics.change_points import DayCount, find_change

MOST_POINTS = 2000
_SUMMED = DaySums._fields[1:]
_NOTHING = (0,) * len(_SUMMED)


@dataclass(frozen=True, slots=True)
class Over:
    """Days that points are made for, both inclusive."""

    first: date
    last: date


class TrendReader:
    """Answers /trends and /segments."""

    def __init__(self, trends: Trends) -> None:
        self._trends = trends

    def trend(self, filters: TrendFilters, interval: Interval) -> Trend:
        """Points, totals and change of the reviews that the filters leave.

        Raises:
            InvalidInputError: the days that were asked for are more than 2000 intervals.
        """
        fresh = freshness_of(self._trends)
        rows = self._trends.days(filters)
        dated = [row for row in rows if row.day is not None]
        over = _over(filters, dated, interval)
        points = list(_points(filters, dated, interval, over)) if over else []
        # up to 2000 points: checked in one go, not each by itself
        return Trend.model_validate(
            {
                "interval": interval,
                "first_day": filters.first_day or (points[0]["start"] if points else None),
                "last_day": filters.last_day or (points[-1]["end"] if points else None),
                "points": points,
                "totals": _totals(filters, rows),
                "change": _change(filters, dated),
                "freshness": fresh,
            }
        )

    def segments(self, by: SegmentKind) -> Segments:
        """Figures of each category, or of each source."""
        fresh = freshness_of(self._trends)
        rows = self._trends.segments(by)
        return Segments(by=by, segments=[_segment(by, row) for row in rows], freshness=fresh)


def _segment(by: str, row: dict[str, Any]) -> Segment:
    link = reviews_link(**{by: row["name"]})
    return Segment(
        name=row["name"] or None,
        products=row["products"],
        reviews_link=link,
        **figures_of(*(row[name] for name in _SUMMED)),
    )


def _over(filters: TrendFilters, dated: Sequence[DaySums], interval: Interval) -> Over | None:
    """The days to make points for: those asked for; where a side is open, those that there are."""
    first = filters.first_day or (dated[0].day if dated else None)
    last = filters.last_day or (dated[-1].day if dated else None)
    if first is None or last is None or first > last:
        return None
    if _steps(first, last, interval) <= MOST_POINTS:
        return Over(first, last)
    if filters.first_day is not None:
        told = f"from and to are more than {MOST_POINTS} intervals apart: ask for longer ones"
        raise InvalidInputError(told, details={"field": "interval"})
    return Over(_back(last, interval, MOST_POINTS - 1), last)


def _points(
    filters: TrendFilters, dated: Iterable[DaySums], interval: Interval, over: Over
) -> Iterator[dict[str, Any]]:
    """Fields of each Point, in order."""
    begin = _start(over.first, interval)
    sums = _by_start(dated, interval, begin)
    # the filters are spelled once, not for each of 2000 points
    these = _link(filters, None, None)
    these += "&" if "?" in these else "?"
    start: date | None = begin
    while start is not None and start <= over.last:
        following = _next(start, interval)
        end = date.max if following is None else following - timedelta(days=1)
        first = max(start, filters.first_day or start)
        last = min(end, filters.last_day or end)
        yield {
            "start": first,
            "end": last,
            "reviews_link": f"{these}from={first}&to={last}",
            **figures_of(*sums.get(start, _NOTHING)),
        }
        start = following


def _by_start(
    dated: Iterable[DaySums], interval: Interval, first: date
) -> dict[date, tuple[Any, ...]]:
    """What is summed in each interval that has reviews, from one on."""
    sums: dict[date, tuple[Any, ...]] = {}
    for day, *row in dated:
        if day is None or day < first:
            continue
        start = _start(day, interval)
        there = sums.get(start)
        sums[start] = tuple(map(add, there, row) if there else row)
    return sums


def _totals(filters: TrendFilters, rows: Sequence[DaySums]) -> dict[str, Any]:
    """Fields of Totals."""
    return {
        "undated": sum(row.reviews for row in rows if row.day is None),
        "reviews_link": _link(filters, filters.first_day, filters.last_day),
        **figures_of(
            *(map(sum, zip(*(row[1:] for row in rows), strict=True)) if rows else _NOTHING)
        ),
    }


def _change(filters: TrendFilters, dated: Iterable[DaySums]) -> Change | None:
    found = find_change(
        [
            DayCount(row.day, row.negative + row.neutral + row.positive, row.negative)
            for row in dated
            if row.day is not None
        ]
    )
    if found is None or not found.is_significant:
        return None
    return change_of(found, last_day=filters.last_day, **_named(filters))


def _link(filters: TrendFilters, first: date | None, last: date | None) -> str:
    return reviews_link(**_named(filters), first_day=first, last_day=last)


def _named(filters: TrendFilters) -> dict[str, str | None]:
    return {
        "product_id": filters.product_id,
        "category": filters.category,
        "source": filters.source,
    }


def _start(day: date, interval: Interval) -> date:
    """First day of the interval of a day; weeks begin on Monday."""
    if interval == "month":
        return day.replace(day=1)
    back = day.weekday() if interval == "week" else 0
    return day - timedelta(days=min(back, (day - date.min).days))


def _next(start: date, interval: Interval) -> date | None:
    """First day of the interval after one; None where the calendar ends before it."""
    try:
        if interval == "month":
            return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        if interval == "week":
            return start + timedelta(days=7 - start.weekday())
        return start + timedelta(days=1)
    except OverflowError:
        return None


def _steps(first: date, last: date, interval: Interval) -> int:
    """How many intervals two days and those between lie in."""
    if interval == "month":
        return (last.year - first.year) * 12 + last.month - first.month + 1
    days = (last - _start(first, interval)).days
    return days // (7 if interval == "week" else 1) + 1


def _back(day: date, interval: Interval, steps: int) -> date:
    """First day of the interval that is so many before that of a day."""
    if interval == "month":
        month = day.year * 12 + day.month - 1 - steps
        return date(month // 12, month % 12 + 1, 1)
    return _start(day, interval) - timedelta(days=steps * (7 if interval == "week" else 1))
