"""Reviews over time: points of intervals without gaps, totals and the change point."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import add
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from lambdas.insights.causes import CauseReader
from lambdas.insights.figures import (
    build_change,
    build_figures,
    change_status,
    read_freshness,
    reviews_link,
)
from lambdas.insights.intervals import (
    count_intervals,
    next_interval,
    start_before,
    start_of_interval,
)
from shared.db.insights.trends import DaySums, TrendFilters, TrendQueries
from shared.errors import InvalidInputError
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import MAX_ANSWER_BYTES, fit_page
from shared.schemas.causes import Explanation
from shared.schemas.insights import (
    Change,
    ChangeStatus,
    Interval,
    Segment,
    SegmentKind,
    Segments,
    Trend,
)
from shared.statistics.change_points import ChangePoint, DayCount, find_change, find_changes

MAX_POINTS = 2000
_POINT_BYTES = 800
"""More than a point takes in an answer, without the filters in its link."""
_DAY: TypeAdapter[date] = TypeAdapter(date)
_SEGMENT: TypeAdapter[tuple[int, str]] = TypeAdapter(tuple[int, str])
_SUM_FIELDS = DaySums._fields[1:]
_NO_SUMS = (0,) * len(_SUM_FIELDS)


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days to build points for, both inclusive."""

    first: date
    last: date


class Changed(NamedTuple):
    """What a test for a change found: the fields of ``Trend``."""

    change_status: ChangeStatus
    change: Change | None
    changes: list[Change]
    explanation: Explanation | None


class TrendReader:
    """Answers /trends and /segments."""

    def __init__(self, trends: TrendQueries, causes: CauseReader) -> None:
        self._trends = trends
        self._causes = causes

    def trend(self, filters: TrendFilters, interval: Interval, cursor: str | None = None) -> Trend:
        """Compute points, totals and change of the reviews that match the filters.

        Raises:
            InvalidInputError: the requested days span more than 2000 intervals, or the cursor was
                not returned by this route.
        """
        start = decode_cursor(_DAY, cursor) if cursor else None
        freshness = read_freshness(self._trends)
        rows = self._trends.days(filters)
        dated = [row for row in rows if row.day is not None]
        days = _day_range(filters, dated, interval)
        points = list(_points(filters, dated, interval, days)) if days else []
        page, next_day = _page(points, start, filters)
        changed = self.change(filters, rows)
        # validates up to 2000 points in one call instead of one by one
        return Trend.model_validate(
            {
                "interval": interval,
                "first_day": filters.first_day or (points[0]["start"] if points else None),
                "last_day": filters.last_day or (points[-1]["end"] if points else None),
                "points": page,
                "next_cursor": encode_cursor(_DAY, next_day) if next_day else None,
                "totals": _totals(filters, rows),
                **changed._asdict(),
                "freshness": freshness,
            }
        )

    def change(self, filters: TrendFilters, rows: Sequence[DaySums]) -> Changed:
        """Look for a change of the reviews that match the filters, and explain it.

        Args:
            filters: which reviews.
            rows: their sums by day, in order; those without a date come first.
        """
        dated = [row for row in rows if row.day is not None]
        counts = _count_by_day(dated)
        point = find_change(counts)
        reviews = [sum(row.reviews for row in each) for each in (rows, dated)]
        return Changed(
            change_status(
                point,
                reviews=reviews[0],
                dated=reviews[1],
                analysed=sum(count.reviews for count in counts),
            ),
            _change(filters, point),
            _changes(filters, counts) if point and point.is_significant else [],
            self._causes.explain(filters, point, dated) if point and point.is_significant else None,
        )

    def segments(self, by: SegmentKind, cursor: str | None = None) -> Segments:
        """Compute the figures of each category or source."""
        after = decode_cursor(_SEGMENT, cursor) if cursor else None
        freshness = read_freshness(self._trends)
        rows = self._trends.segments(by)
        places = [(-row["reviews"], row["name"]) for row in rows]
        start = 0 if after is None else sum(place <= after for place in places)
        segments = [_build_segment(by, row) for row in rows[start:]]
        page, has_more = fit_page(segments, len(segments))
        last = places[start + len(page) - 1] if has_more else None
        return Segments(
            by=by,
            segments=page,
            freshness=freshness,
            next_cursor=encode_cursor(_SEGMENT, last) if last else None,
        )


def _page(
    points: list[dict[str, Any]], start: date | None, filters: TrendFilters
) -> tuple[list[dict[str, Any]], date | None]:
    """The points from a day on that fit into an answer, and the day of the next one."""
    if start is not None:
        points = [point for point in points if point["start"] >= start]
    # each has a link with all filters
    size = len(json.dumps(_link(filters, None, None))) + _POINT_BYTES
    count = MAX_ANSWER_BYTES // size
    return points[:count], points[count]["start"] if len(points) > count else None


def _build_segment(by: str, row: dict[str, Any]) -> Segment:
    link = reviews_link(**{by: row["name"]})
    return Segment(
        name=row["name"] or None,
        products=row["products"],
        reviews_link=link,
        **build_figures(*(row[name] for name in _SUM_FIELDS)),
    )


def _day_range(
    filters: TrendFilters, dated: Sequence[DaySums], interval: Interval
) -> DayRange | None:
    """The days to build points for: the requested ones, or those of the reviews."""
    first = filters.first_day or (dated[0].day if dated else None)
    last = filters.last_day or (dated[-1].day if dated else None)
    if first is None or last is None or first > last:
        return None
    if count_intervals(first, last, interval) <= MAX_POINTS:
        return DayRange(first, last)
    if filters.first_day is not None:
        message = f"from and to span more than {MAX_POINTS} intervals; use a longer interval"
        raise InvalidInputError(message, details={"field": "interval"})
    return DayRange(start_before(last, interval, MAX_POINTS - 1), last)


def _points(
    filters: TrendFilters, dated: Iterable[DaySums], interval: Interval, days: DayRange
) -> Iterator[dict[str, Any]]:
    """Build the fields of each Point, in order."""
    first_start = start_of_interval(days.first, interval)
    sums = _sum_by_interval(dated, interval, first_start)
    # the filters are encoded once, not for each of 2000 points
    base_link = _link(filters, None, None)
    base_link += "&" if "?" in base_link else "?"
    start: date | None = first_start
    while start is not None and start <= days.last:
        following = next_interval(start, interval)
        end = date.max if following is None else following - timedelta(days=1)
        first = max(start, filters.first_day or start)
        last = min(end, filters.last_day or end)
        yield {
            "start": first,
            "end": last,
            "reviews_link": f"{base_link}from={first}&to={last}",
            **build_figures(*sums.get(start, _NO_SUMS)),
        }
        start = following


def _sum_by_interval(
    dated: Iterable[DaySums], interval: Interval, first: date
) -> dict[date, tuple[Any, ...]]:
    """Sums of each interval with reviews, from the one that starts on ``first``."""
    sums: dict[date, tuple[Any, ...]] = {}
    for day, *row in dated:
        if day is None or day < first:
            continue
        start = start_of_interval(day, interval)
        earlier = sums.get(start)
        sums[start] = tuple(map(add, earlier, row) if earlier else row)
    return sums


def _totals(filters: TrendFilters, rows: Sequence[DaySums]) -> dict[str, Any]:
    """Build the fields of Totals."""
    return {
        "undated": sum(row.reviews for row in rows if row.day is None),
        "reviews_link": _link(filters, filters.first_day, filters.last_day),
        **build_figures(
            *(map(sum, zip(*(row[1:] for row in rows), strict=True)) if rows else _NO_SUMS)
        ),
    }


def _count_by_day(dated: Iterable[DaySums]) -> list[DayCount]:
    return [DayCount(row.day, row.analysed, row.negative) for row in dated if row.day is not None]


def _change(filters: TrendFilters, point: ChangePoint | None) -> Change | None:
    if point is None or not point.is_significant:
        return None
    return build_change(point, last_day=filters.last_day, **_filter_parameters(filters))


def _changes(filters: TrendFilters, counts: Sequence[DayCount]) -> list[Change]:
    """All changes; the link of each ends where the next one begins."""
    points = find_changes(counts)
    last_days = [*(point.day - timedelta(days=1) for point in points[1:]), filters.last_day]
    return [
        build_change(point, last_day=last_day, **_filter_parameters(filters))
        for point, last_day in zip(points, last_days, strict=True)
    ]


def _link(filters: TrendFilters, first: date | None, last: date | None) -> str:
    return reviews_link(**_filter_parameters(filters), first_day=first, last_day=last)


def _filter_parameters(filters: TrendFilters) -> dict[str, str | None]:
    return {
        "product_id": filters.product_id,
        "category": filters.category,
        "source": filters.source,
    }
