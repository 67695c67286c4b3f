"""Plots of an evaluation as SVG; the same figures give the same bytes."""

import base64
import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sagemaker_jobs.evaluate.report import (
    Abstain,
    Behaviour,
    Behaviours,
    Figures,
    Latency,
    Noise,
    SplitReport,
)
from shared.schemas.sentiment import LABELS

_BLUE, _ORANGE, _GREY = "#3a6ea5", "#d9822b", "#8a8f98"
_STYLE = {
    "svg.hashsalt": "evaluate", "font.size": 9, "axes.spines.top": False,
    "axes.spines.right": False, "axes.titlesize": 10, "figure.constrained_layout.use": True,
}  # fmt: skip


def _axes(width: float = 4.2, height: float = 3.4) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def _uri(figure: Figure) -> str:
    """The figure as a data URI, so that the page needs no other file."""
    sink = io.BytesIO()
    figure.savefig(sink, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(sink.getvalue()).decode()


def reliability(split: SplitReport) -> str:
    """Accuracy by confidence, with the share of rows per bin below."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.2, 4.0))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--", label="calibrated")
        confidences = [each.confidence for each in split.reliability]
        accuracies = [each.accuracy for each in split.reliability]
        upper.plot(confidences, accuracies, marker="o", color=_BLUE, label="measured")
        upper.set(ylabel="accuracy", xlim=(0.3, 1.02), ylim=(0, 1.02))
        upper.set_title(f"Reliability (calibration error {split.ece:.3f})")
        upper.legend(frameon=False, loc="upper left")
        lows = [each.low for each in split.reliability]
        widths = [each.high - each.low for each in split.reliability]
        shares = [each.rows / split.rows for each in split.reliability]
        lower.bar(lows, shares, widths, align="edge", color=_BLUE, edgecolor="white")
        lower.set(xlabel="confidence", ylabel="rows")
        return _uri(figure)


def coverage(split: SplitReport, abstain: Abstain | None) -> str:
    """Accuracy of the answered rows by their share."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(4.2, 4.0)
        points = [(p.coverage, p.accuracy) for p in split.coverage_curve if p.accuracy is not None]
        axes.plot([x for x, _ in points], [y for _, y in points], color=_BLUE)
        answered = split.answered
        if abstain is not None:
            axes.axhline(abstain.target_accuracy, color=_GREY, linewidth=1, linestyle="--")
        if answered is not None and answered.accuracy is not None:
            axes.plot([answered.coverage], [answered.accuracy], marker="o", color=_ORANGE)
            axes.annotate(
                f"threshold {answered.threshold:.2f}\n{answered.coverage:.0%} answered,\n"
                f"{answered.accuracy:.1%} correct",
                (answered.coverage, answered.accuracy), (-8, -12), textcoords="offset points",
                ha="right", va="top",
            )  # fmt: skip
        axes.set(xlabel="coverage", ylabel="accuracy of answered rows", xlim=(0, 1.02))
        axes.set_title("Coverage and accuracy")
        return _uri(figure)


def confusion(split: SplitReport) -> str:
    """Shares of each label's rows, with their counts."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(4.0, 3.4)
        totals = [max(1, sum(row)) for row in split.confusion]
        shares = [
            [count / total for count in row]
            for row, total in zip(split.confusion, totals, strict=True)
        ]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, counts in enumerate(split.confusion):
            for column, count in enumerate(counts):
                dark = shares[row][column] > 1 / 2
                axes.text(
                    column, row, f"{shares[row][column]:.0%}\n{count}", ha="center", va="center",
                    color="white" if dark else "black",
                )  # fmt: skip
        names = [label.value for label in LABELS]
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted", ylabel="label", title="Confusion")
        return _uri(figure)


def _bars(
    title: str, names: Sequence[str], series: Mapping[str, Sequence[float]], axis: str
) -> str:
    """Horizontal bars, one group per name, from top to bottom."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(7.0, 0.8 + 0.24 * len(names) * len(series))
        thickness = 0.8 / len(series)
        for number, (label, values) in enumerate(series.items()):
            positions = [
                row + (number - (len(series) - 1) / 2) * thickness for row in range(len(names))
            ]
            axes.barh(
                positions, values, thickness, label=label, color=(_BLUE, _ORANGE, _GREY)[number]
            )
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set(xlabel=axis, title=title)
        if len(series) > 1:
            axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))
        return _uri(figure)


def slices(kind: str, parts: Mapping[str, Figures]) -> str:
    """Accuracy of each part."""
    names = [f"{name} ({part.rows})" for name, part in parts.items()]
    accuracy = {"accuracy": [part.accuracy for part in parts.values()]}
    return _bars(f"Accuracy by {kind}", names, accuracy, "accuracy")


def noises(costs: Mapping[str, Noise]) -> str:
    """Cost of each noise."""
    series = {
        "loss of macro-F1": [noise.macro_f1_drop for noise in costs.values()],
        "labels that changed": [noise.flip_rate for noise in costs.values()],
    }
    return _bars("Robustness", list(costs), series, "share")


def behaviour(kinds: Mapping[str, Behaviour]) -> str:
    """Pass rates of plain texts and of their counterparts."""
    series = {
        "plain": [each.plain_pass_rate for each in kinds.values()],
        "counterpart": [each.pass_rate for each in kinds.values()],
    }
    return _bars("Behavioural cases", list(kinds), series, "share with an allowed label")


def behaviours(suite: Behaviours) -> str:
    """Failures of each family of the behavioural suite."""
    series = {"failed": [family.failed_percent for family in suite.families.values()]}
    return _bars("Behavioural suite", list(suite.families), series, "failed cases (%)")


def latency(measured: Sequence[Latency]) -> str:
    """p50 and p99 of one text, by length and threads."""
    names = [f"{each.tokens} tokens, {each.threads} thread(s)" for each in measured]
    series = {"p50": [each.p50_ms for each in measured], "p99": [each.p99_ms for each in measured]}
    return _bars("Latency of one text", names, series, "ms")
