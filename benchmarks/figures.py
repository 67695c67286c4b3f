"""Figures with one value per round, shown as median, spread and target."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True)
class Target:
    """A lower or upper bound for a figure."""

    bound: float
    at_least: bool

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def describe(self, value: float) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {format_number(self.bound)}: {'met' if self.is_met(value) else 'missed'}"


@dataclass(frozen=True)
class Figure:
    """One measurement, repeated in several rounds."""

    name: str
    unit: str
    values: tuple[float, ...]
    target: Target | None = None

    @property
    def median(self) -> float:
        return median(self.values)

    def row(self) -> list[str]:
        """Name, median, spread, rounds and target, as text."""
        low, high = format_number(min(self.values)), format_number(max(self.values))
        middle = f"{format_number(self.median)} {self.unit}".strip()
        goal = self.target.describe(self.median) if self.target else ""
        return [self.name, middle, f"{low} to {high}", str(len(self.values)), goal]


@dataclass
class Report:
    """The figures of one part, and notes on them."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, unit: str, values: Sequence[float], target: Target | None = None
    ) -> Figure:
        """Append a figure with one value per round."""
        figure = Figure(name, unit, tuple(values), target)
        self.figures.append(figure)
        return figure

    def compare(self, name: str, over: Figure, under: Figure, target: Target | None = None) -> None:
        """Append the ratio of two figures, round by round."""
        pairs = zip(over.values, under.values, strict=True)
        self.add(name, "times", [a / b for a, b in pairs], target)

    def markdown(self) -> str:
        """A heading, a table and the notes."""
        head = ["figure", "median", "spread", "rounds", "target"]
        lines = [f"### {self.title}", "", _line(head), "|---|---:|---:|---:|---|"]
        lines += [_line(figure.row()) for figure in self.figures]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """All values, for --json."""
        return asdict(self)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def format_number(value: float) -> str:
    """Format with at least three significant digits and thousands separators."""
    size = abs(value)
    places = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:,.{places}f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed."""
    index = math.ceil(round(share * len(values), 6)) - 1
    return sorted(values)[max(0, index)]
