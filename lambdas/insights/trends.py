"""Reviews over time: intervals without gaps, and since when they say something else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from lambdas.insights.figures import change_of, figures_of, freshness_of, reviews_link
from lambdas.insights.schemas import Change, Interval, Point, Segment, Segments, Totals, Trend
from shared.db.trends import TrendFilters, Trends
from shared.errors import InvalidInputError
from shared.statistics.change_points import DayCount, find_change

MOST_POINTS = 2000
_SUMMED = ("reviews", "rated", "rating_sum", "negative", "neutral", "positive")
Row = dict[str, Any]


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
        dated = [row for row in rows if row["day"] is not None]
        over = _over(filters, dated, interval)
        points = list(_points(filters, dated, interval, over)) if over else []
        return Trend(
            interval=interval,
            first_day=filters.first_day or (points[0].start if points else None),
            last_day=filters.last_day or (points[-1].end if points else None),
            points=points,
            totals=_totals(filters, rows),
            change=_change(filters, dated),
            freshness=fresh,
        )

    def segments(self, by: Literal["category", "source"]) -> Segments:
        """Figures of each category, or of each source."""
        fresh = freshness_of(self._trends)
        rows = self._trends.segments(by)
        return Segments(by=by, segments=[_segment(by, row) for row in rows], freshness=fresh)


def _segment(by: str, row: Row) -> Segment:
    link = reviews_link(**{by: row["name"]})
    return Segment(
        name=row["name"] or None,
        products=row["products"],
        reviews_link=link,
        **figures_of(row),
    )


def _over(filters: TrendFilters, dated: Sequence[Row], interval: Interval) -> Over | None:
    """The days to make points for: those asked for; where a side is open, those that there are."""
    first = filters.first_day or (dated[0]["day"] if dated else None)
    last = filters.last_day or (dated[-1]["day"] if dated else None)
    if first is None or last is None or first > last:
        return None
    if _steps(first, last, interval) <= MOST_POINTS:
        return Over(first, last)
    if filters.first_day is not None:
        told = f"from and to are more than {MOST_POINTS} intervals apart: ask for longer ones"
        raise InvalidInputError(told, details={"field": "interval"})
    return Over(_back(last, interval, MOST_POINTS - 1), last)


def _points(
    filters: TrendFilters, dated: Iterable[Row], interval: Interval, over: Over
) -> Iterator[Point]:
    sums: dict[date, Row] = {}
    for row in dated:
        start = _start(row["day"], interval)
        if start in sums:
            _add(sums[start], row)
        else:
            sums[start] = dict(row)
    start = _start(over.first, interval)
    # the filters are spelled once, not for each of 2000 points
    these = _link(filters, None, None)
    sign = "&" if "?" in these else "?"
    while True:
        following = _next(start, interval)
        end = date.max if following is None else following - timedelta(days=1)
        first = max(start, filters.first_day or start)
        last = min(end, filters.last_day or end)
        yield Point(
            start=first,
            end=last,
            reviews_link=f"{these}{sign}from={first}&to={last}",
            **figures_of(sums.get(start) or _nothing()),
        )
        if following is None or following > over.last:
            return
        start = following


def _totals(filters: TrendFilters, rows: Iterable[Row]) -> Totals:
    whole, undated = _nothing(), 0
    for row in rows:
        _add(whole, row)
        undated += row["reviews"] if row["day"] is None else 0
    link = _link(filters, filters.first_day, filters.last_day)
    return Totals(undated=undated, reviews_link=link, **figures_of(whole))


def _change(filters: TrendFilters, dated: Iterable[Row]) -> Change | None:
    found = find_change(
        [
            DayCount(
                row["day"], row["negative"] + row["neutral"] + row["positive"], row["negative"]
            )
            for row in dated
        ]
    )
    if found is None or not found.is_told:
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


def _nothing() -> Row:
    return dict.fromkeys(_SUMMED, 0)


def _add(to: Row, row: Row) -> None:
    for name in _SUMMED:
        to[name] += row[name]


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
