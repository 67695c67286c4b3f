"""Plots of a report, drawn by Matplotlib and Seaborn for a light or a dark page.

Negative, neutral and positive are vermilion, grey and blue (after Okabe and Ito), which can be
distinguished with every kind of colour vision. A table has the numbers of each plot.
"""

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from reports import words
from reports.data import Group, Ratings
from reviewlens.models import Aspect, Change, Point

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
"""DejaVu Sans lacks some scripts; browsers have other fonts for them."""

_WIDTH = 7.6
_LABEL_CHARACTERS = 34
_MAX_SEPARATE_BARS = 80
"""With more intervals a plot leaves out the lines between them."""


@dataclass(frozen=True)
class Look:
    """Colours of a page."""

    paper: str
    ink: str
    muted: str
    grid: str
    negative: str
    neutral: str
    positive: str

    @property
    def sentiments(self) -> dict[str, str]:
        """Colour of each sentiment."""
        return {"negative": self.negative, "neutral": self.neutral, "positive": self.positive}


LIGHT = Look("#ffffff", "#1d2330", "#566070", "#dfe3e9", "#d55e00", "#9aa1ab", "#0072b2")
DARK = Look("#151a22", "#e8ebf0", "#a9b2c0", "#303844", "#f0803c", "#858d99", "#56b4e9")


def svg(figure: Figure) -> bytes:
    """A figure for a page, the same bytes each time; its text stays text, in any script."""
    sink = io.BytesIO()
    with _quiet(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report"}):
        figure.savefig(sink, format="svg", metadata={"Date": None})
    return sink.getvalue()


def png(figure: Figure, *, dots_per_inch: int = 170) -> bytes:
    """A figure for paper."""
    sink = io.BytesIO()
    with _quiet():
        figure.savefig(sink, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return sink.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


@contextmanager
def _style(look: Look) -> Iterator[None]:
    style = sns.axes_style(
        "white",
        {
            "axes.edgecolor": look.muted,
            "axes.facecolor": look.paper,
            "axes.labelcolor": look.muted,
            "figure.facecolor": look.paper,
            "grid.color": look.grid,
            "text.color": look.ink,
            "xtick.color": look.muted,
            "ytick.color": look.muted,
            "font.family": ["sans-serif"],
            "font.sans-serif": ["DejaVu Sans"],
        },
    )
    sizes = {"font.size": 9.0, "axes.labelsize": 9.0, "figure.constrained_layout.use": True}
    with mpl.rc_context({**style, **sizes, "text.usetex": False, "text.parse_math": False}):
        yield


def over_time(points: Sequence[Point], change: Change | None, look: Look) -> Figure:
    """Shares of the sentiments, stacked, above the number of reviews."""
    with _style(look):
        figure = Figure(figsize=(_WIDTH, 3.9))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        analysed = [point for point in points if point.sentiment_shares]
        starts, widths = _bars(analysed)
        base = [0.0] * len(analysed)
        for name, colour in look.sentiments.items():
            heights = [getattr(point.sentiment_shares, name) for point in analysed]
            upper.bar(
                starts,
                heights,
                widths,
                base,
                align="edge",
                color=colour,
                label=name,
                **_line_options(analysed),
            )
            base = [low + height for low, height in zip(base, heights, strict=True)]
        upper.set(ylim=(0, 1), ylabel="share of reviews")
        upper.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        upper.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, borderaxespad=0.2
        )
        starts, widths = _bars(points)
        counts = [point.reviews for point in points]
        lower.bar(starts, counts, widths, align="edge", color=look.muted, **_line_options(points))
        lower.set_ylabel("reviews")
        lower.yaxis.get_major_locator().set_params(integer=True, nbins=3)
        _time_axis(lower, points)
        for axes in (upper, lower):
            _mark_change(axes, change, look, labelled=axes is upper)
            sns.despine(ax=axes)
        return figure


def mean_rating(points: Sequence[Point], change: Change | None, look: Look) -> Figure:
    """Mean stars of each interval; an interval without stars is a gap."""
    with _style(look):
        figure = Figure(figsize=(_WIDTH, 2.6))
        axes = figure.subplots()
        middles = [date2num(p.start) + ((p.end - p.start).days + 1) / 2 for p in points]
        values = [float("nan") if p.mean_rating is None else p.mean_rating for p in points]
        marker = "o" if len(points) <= _MAX_SEPARATE_BARS else None
        sns.lineplot(
            x=middles, y=values, ax=axes, color=look.positive, marker=marker, markersize=4.5,
            markeredgewidth=0, linewidth=1.4, estimator=None, hue=_runs(values), legend=False,
            palette=[look.positive] * len(set(_runs(values))),
        )  # fmt: skip
        axes.set(ylim=(0.9, 5.1), ylabel="mean stars", xlabel="")
        axes.set_yticks(range(1, 6))
        axes.yaxis.grid(visible=True)
        _time_axis(axes, points)
        _mark_change(axes, change, look, labelled=False)
        sns.despine(ax=axes)
        return figure


def ratings(distribution: Ratings, look: Look) -> Figure:
    """Number of reviews for each number of stars."""
    with _style(look):
        figure = Figure(figsize=(_WIDTH, 2.3))
        axes = figure.subplots()
        colours = [look.negative, look.negative, look.neutral, look.positive, look.positive]
        names = [f"{number} star{'s' * (number > 1)}" for number in distribution.counts]
        values = list(distribution.counts.values())
        sns.barplot(
            x=values, y=names, hue=names, palette=colours, ax=axes, legend=False, saturation=1
        )
        total = max(1, sum(values))
        labels = [f" {words.count(v)} ({words.share(v / total)})" for v in values]
        for place, (value, text) in enumerate(zip(values, labels, strict=True)):
            axes.text(value, place, text, va="center", color=look.ink)
        _plain_bars(axes, room=1.28 * max([1, *values]))
        return figure


def aspects(items: Sequence[Aspect], look: Look) -> Figure:
    """Net Sentiment of each aspect: complaints to the left of zero, praise to the right."""
    names = [f"{_short(a.aspect)} ({words.count(a.reviews)})" for a in items]
    return _diverging(names, [a.net_sentiment for a in items], look)


def segments(groups: Sequence[Group], look: Look) -> Figure:
    """Shares of the sentiments in each category or source."""
    analysed = [group for group in groups if group.figures.sentiment_shares]
    with _style(look):
        figure = Figure(figsize=(_WIDTH, 0.9 + 0.34 * len(analysed)))
        axes = figure.subplots()
        names = [
            f"{_short(group.name or 'unknown')} ({words.count(group.figures.reviews)})"
            for group in analysed
        ]
        places, base = list(range(len(analysed))), [0.0] * len(analysed)
        for name, colour in look.sentiments.items():
            values = [getattr(group.figures.sentiment_shares, name) for group in analysed]
            axes.barh(places, values, 0.72, base, color=colour, label=name)
            base = [low + value for low, value in zip(base, values, strict=True)]
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set(xlim=(0, 1))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, borderaxespad=0.2
        )
        axes.tick_params(axis="y", labelcolor=look.ink, length=0)
        sns.despine(ax=axes, left=True)
        return figure


def products(named: Sequence[tuple[str, float]], look: Look) -> Figure:
    """Net Sentiment of products."""
    return _diverging([_short(name) for name, _ in named], [value for _, value in named], look)


def _diverging(names: Sequence[str], values: Sequence[float], look: Look) -> Figure:
    with _style(look):
        figure = Figure(figsize=(_WIDTH, 0.75 + 0.31 * len(names)))
        axes = figure.subplots()
        places = [str(place) for place in range(len(names))]  # two names may be equal
        colours = [look.negative if value < 0 else look.positive for value in values]
        sns.barplot(
            x=list(values), y=places, hue=places, palette=colours, ax=axes, legend=False,
            saturation=1,
        )  # fmt: skip
        for place, value in enumerate(values):
            side = "right" if value < 0 else "left"
            shown = f" {words.net(value)} "
            axes.text(value, place, shown, ha=side, va="center", color=look.ink)
        axes.set_yticks(range(len(names)), names)
        axes.axvline(0, color=look.muted, linewidth=0.8)
        axes.set(xlim=(-122, 122), xlabel="Net Sentiment", ylabel="")
        axes.set_xticks([-100, -50, 0, 50, 100])
        axes.tick_params(axis="y", labelcolor=look.ink, length=0)
        sns.despine(ax=axes, left=True)
        return figure


def _plain_bars(axes: Axes, *, room: float) -> None:
    axes.set(xlim=(0, room), xlabel="", ylabel="")
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    sns.despine(ax=axes, left=True, bottom=True)


def _line_options(points: Sequence[Point]) -> dict[str, Any]:
    """No lines between bars where there are many."""
    return {"linewidth": 0.0} if len(points) > _MAX_SEPARATE_BARS else {}


def _bars(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    """Start and width of each bar, in days."""
    starts = [float(date2num(point.start)) for point in points]
    filled = 1.0 if len(points) > _MAX_SEPARATE_BARS else 0.94
    return starts, [filled * ((point.end - point.start).days + 1) for point in points]


def _time_axis(axes: Axes, points: Sequence[Point]) -> None:
    locator = AutoDateLocator(maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    first, last = _span(points)
    axes.set_xlim(float(date2num(first)), float(date2num(last + timedelta(days=1))))


def _span(points: Sequence[Point]) -> tuple[date, date]:
    return points[0].start, points[-1].end


def _mark_change(axes: Axes, change: Change | None, look: Look, *, labelled: bool) -> None:
    """A line where the sentiment changed."""
    if change is None:
        return
    place = float(date2num(change.day))
    axes.axvline(place, color=look.ink, linewidth=1.2, linestyle=(0, (4, 2)))
    if labelled:
        low, high = axes.get_xlim()
        left = place > (low + high) / 2
        axes.annotate(
            f"{change.direction} since {words.day(change.day)}", (place, 0.95),
            ((-6 if left else 6), 0), textcoords="offset points", va="top", color=look.ink,
            ha="right" if left else "left",
            bbox={"boxstyle": "round,pad=0.25", "facecolor": look.paper, "edgecolor": "none"},
        )  # fmt: skip


def _runs(values: Sequence[float]) -> list[int]:
    """A number for each run of values without a gap, so that lines do not bridge gaps."""
    run, numbers = 0, []
    for value in values:
        run += value != value
        numbers.append(run)
    return numbers


def _short(name: str) -> str:
    """A label that leaves room for the plot."""
    plain = " ".join(name.split())
    cut = plain[: _LABEL_CHARACTERS - 1]
    return plain if len(plain) <= _LABEL_CHARACTERS else f"{cut}…"
