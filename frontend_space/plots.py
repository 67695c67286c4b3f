"""Interactive plots as JSON for plotly.js, so that no plotting library is needed."""

import json
from collections.abc import Mapping, Sequence
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
    return _figure(traces, "reviews", changes, {"barmode": "stack", "bargap": 0.15})


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
    return _figure([trace], "mean stars", changes, {"yaxis": {"range": [0.8, 5.2]}})


def _count(point: Point, name: str) -> float:
    return float(getattr(point.sentiment_shares, name)) * point.analysed


def _label(point: Point, name: str) -> str:
    share = float(getattr(point.sentiment_shares, name))
    span = (
        day(point.start) if point.start == point.end else f"{day(point.start)} to {day(point.end)}"
    )
    return safe(f"{span}: {share:.0%} {name}, {point.analysed} reviews")


def _figure(
    traces: Sequence[Mapping[str, Any]],
    title: str,
    changes: Sequence[Change],
    options: Mapping[str, Any],
) -> PlotData:
    layout: dict[str, Any] = {
        "autosize": True,
        "height": 340,
        "margin": {"l": 44, "r": 12, "t": 62, "b": 60},
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
    layout["shapes"] = [_line(change) for change in changes]
    layout["annotations"] = [_label_of(change, n % 2) for n, change in enumerate(changes)]
    return PlotData(type="plotly", plot=json.dumps({"data": list(traces), "layout": layout}))


def _line(change: Change) -> dict[str, Any]:
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": change.day.isoformat(),
        "x1": change.day.isoformat(), "y0": 0, "y1": 1,
        "line": {"color": _MARK, "width": 2, "dash": "dash"},
    }  # fmt: skip


def _label_of(change: Change, row: int) -> dict[str, Any]:
    """The label above the line of a change; every other one is higher, so that they have room."""
    return {
        "x": change.day.isoformat(), "y": 1, "xref": "x", "yref": "paper", "showarrow": False,
        "text": safe(f"{change.direction} since {day(change.day)}"), "xanchor": "right",
        "yanchor": "bottom", "yshift": 16 * row, "font": {"color": _MARK, "size": 12},
    }  # fmt: skip
