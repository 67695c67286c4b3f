"""Figures: one value a round; shown as median and spread, beside a target where there is one."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True)
class Target:
    """What a figure should be: at least, or at most, ``bound``."""

    bound: float
    at_least: bool

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def told(self, value: float) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {number(self.bound)}: {'met' if self.is_met(value) else 'missed'}"


@dataclass(frozen=True)
class Figure:
    """Something measured in several rounds."""

    name: str
    unit: str
    values: tuple[float, ...]
    target: Target | None = None

    @property
    def median(self) -> float:
        return median(self.values)

    def row(self) -> list[str]:
        """Name, median, spread, rounds and target, as text."""
        low, high = number(min(self.values)), number(max(self.values))
        middle = f"{number(self.median)} {self.unit}".strip()
        goal = self.target.told(self.median) if self.target else ""
        return [self.name, middle, f"{low} to {high}", str(len(self.values)), goal]


@dataclass
class Report:
    """The figures of one part, and what a reader must know of them."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, unit: str, values: Sequence[float], target: Target | None = None
    ) -> Figure:
        """Append a figure with one value a round."""
        figure = Figure(name, unit, tuple(values), target)
        self.figures.append(figure)
        return figure

    def compare(self, name: str, over: Figure, under: Figure) -> None:
        """Append the ratio of two figures, round by round."""
        pairs = zip(over.values, under.values, strict=True)
        self.add(name, "times", [a / b for a, b in pairs])

    def markdown(self) -> str:
        """A heading, a table and the notes."""
        head = ["figure", "median", "spread", "rounds", "target"]
        lines = [f"### {self.title}", "", _line(head), "|---|---:|---:|---:|---|"]
        lines += [_line(figure.row()) for figure in self.figures]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """For --json; every round's value is there."""
        return asdict(self)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Three digits or more, with separators of thousands."""
    size = abs(value)
    places = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:,.{places}f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed."""
    place = math.ceil(round(share * len(values), 6)) - 1
    return sorted(values)[max(0, place)]
