"""Interactive plots as JSON for plotly.js, so that no plotting library is needed."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from gradio.components.plot import PlotData

from frontend_space.markup import LABELS, day, safe
from reviewlens.models import Change, Point

COLOURS: Mapping[str, str] = {"negative": "#dc2626", "neutral": "#94a3b8", "positive": "#0d9488"}
_STARS = "#6366f1"
_MARK = "#d97706"
_GREY = "rgba(128,128,128,0.25)"


def sentiment_plot(points: Sequence[Point], changes: Sequence[Change]) -> PlotData:
    """Reviews of each interval by sentiment, with the days of changes marked."""
    analysed = [point for point in points if point.sentiment_shares is not None]
    traces = [
        {
            "type": "bar",
            "name": name,
            "x": [point.start.isoformat() for point in analysed],
            "y": [round(_count(point, name), 2) for point in analysed],
            "customdata": [_label(point, name) for point in analysed],
            "hovertemplate": "%{customdata}<extra></extra>",
            "marker": {"color": COLOURS[name]},
        }
        for name in LABELS
    ]
    return _figure(points, traces, "reviews", changes, {"barmode": "stack", "bargap": 0.15})


def stars_plot(points: Sequence[Point], changes: Sequence[Change]) -> PlotData:
    """Mean stars of each interval; gaps stay empty."""
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "mean stars",
        "x": [point.start.isoformat() for point in points],
        "y": [
            None if point.mean_rating is None else round(point.mean_rating, 2) for point in points
        ],
        "hovertemplate": "%{x|%d %b %Y}: %{y:.2f} stars<extra></extra>",
        "connectgaps": False,
        "line": {"color": _STARS, "width": 2},
    }
    return _figure(points, [trace], "mean stars", changes, {"yaxis": {"range": [0.8, 5.2]}})


def _count(point: Point, name: str) -> float:
    return float(getattr(point.sentiment_shares, name)) * point.analysed


def _label(point: Point, name: str) -> str:
    share = float(getattr(point.sentiment_shares, name))
    span = (
        day(point.start) if point.start == point.end else f"{day(point.start)} to {day(point.end)}"
    )
    return safe(f"{span}: {share:.0%} {name}, {point.analysed} reviews")


def _span(points: Sequence[Point]) -> tuple[datetime, datetime]:
    """From half an interval before the first point to half of one after the last one."""
    half = (points[0].end - points[0].start + timedelta(days=1)) / 2
    first, last = (datetime.combine(points[n].start, time()) for n in (0, -1))
    return first - half, last + half


def _figure(
    points: Sequence[Point],
    traces: Sequence[Mapping[str, Any]],
    title: str,
    changes: Sequence[Change],
    options: Mapping[str, Any],
) -> PlotData:
    layout: dict[str, Any] = {
        "autosize": True,
        "height": 340,
        "margin": {"l": 44, "r": 12, "t": 76, "b": 60},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12, "color": "#64748b"},
        "legend": {"orientation": "h", "y": -0.16, "x": 0, "traceorder": "normal"},
        "hovermode": "closest",
        "dragmode": False,
        "xaxis": {"type": "date", "gridcolor": _GREY, "fixedrange": True},
        "yaxis": {
            "title": {"text": title},
            "gridcolor": _GREY,
            "rangemode": "tozero",
            "fixedrange": True,
            **options.get("yaxis", {}),
        },
        **{name: value for name, value in options.items() if name != "yaxis"},
    }
    if points:
        # the same for both plots; otherwise plotly makes room for labels, on a phone for years
        start, end = _span(points)
        layout["xaxis"]["range"] = [start.isoformat(), end.isoformat()]
        layout["annotations"] = [
            _label_of(change, n % 2, (_noon(change.day) - start) / (end - start))
            for n, change in enumerate(changes)
        ]
    layout["shapes"] = [_line(change) for change in changes]
    return PlotData(type="plotly", plot=json.dumps({"data": list(traces), "layout": layout}))


def _line(change: Change) -> dict[str, Any]:
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": change.day.isoformat(),
        "x1": change.day.isoformat(), "y0": 0, "y1": 1,
        "line": {"color": _MARK, "width": 2, "dash": "dash"},
    }  # fmt: skip


def _noon(each: date) -> datetime:
    return datetime.combine(each, time(12))


def _label_of(change: Change, row: int, place: float) -> dict[str, Any]:
    """The label above the line of a change; every other one is higher, so that they have room.

    ``place`` is 0 at the left and 1 at the right: a label of either third would not fit in the
    middle of its line on a phone.
    """
    anchor = "left" if place < 1 / 3 else "right" if place > 2 / 3 else "center"
    return {
        "x": change.day.isoformat(), "y": 1, "xref": "x", "yref": "paper", "showarrow": False,
        "text": safe(f"{change.direction} since {day(change.day)}"), "xanchor": anchor,
        "yanchor": "bottom", "yshift": 16 * row, "font": {"color": _MARK, "size": 12},
    }  # fmt: skip
