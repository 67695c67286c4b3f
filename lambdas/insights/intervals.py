"""Calendar intervals: days, weeks from Monday, and months."""

from datetime import date, timedelta

from shared.schemas.insights import Interval


def start_of_interval(day: date, interval: Interval) -> date:
    """First day of the interval that contains a day; weeks begin on Monday."""
    if interval == "month":
        return day.replace(day=1)
    back = day.weekday() if interval == "week" else 0
    return day - timedelta(days=min(back, (day - date.min).days))


def next_interval(start: date, interval: Interval) -> date | None:
    """First day of the next interval; None where the calendar ends."""
    try:
        if interval == "month":
            return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        if interval == "week":
            return start + timedelta(days=7 - start.weekday())
        return start + timedelta(days=1)
    except OverflowError:
        return None


def count_intervals(first: date, last: date, interval: Interval) -> int:
    """Number of intervals from one day to another, both included."""
    if interval == "month":
        return (last.year - first.year) * 12 + last.month - first.month + 1
    days = (last - start_of_interval(first, interval)).days
    return days // (7 if interval == "week" else 1) + 1


def start_before(day: date, interval: Interval, count: int) -> date:
    """First day of the interval ``count`` intervals before the one that contains a day."""
    if interval == "month":
        month = day.year * 12 + day.month - 1 - count
        return date(month // 12, month % 12 + 1, 1)
    return start_of_interval(day, interval) - timedelta(
        days=count * (7 if interval == "week" else 1)
    )
