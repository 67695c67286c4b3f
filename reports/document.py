"""The structure of a report, for HTML and PDF alike: sections of blocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reports.figures import Look


@dataclass(frozen=True)
class Fact:
    """A figure with its name, and a few words on it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Figures side by side."""

    facts: Sequence[Fact]


@dataclass(frozen=True)
class Paragraph:
    """Plain text; ``weight`` is "plain", "lead" (what matters most) or "note" (on the figures)."""

    text: str
    weight: str = "plain"


@dataclass(frozen=True)
class Picture:
    """A plot; ``alt`` tells what it shows to whoever does not see it."""

    title: str
    alt: str
    draw: "Callable[[Look], Figure]"


@dataclass(frozen=True)
class Table:
    """Cells as they are shown. ``words`` are the columns of text; the others hold numbers.

    ``folded``: it repeats a plot in numbers, and is opened by whoever wants it.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset({0})
    folded: bool = False


@dataclass(frozen=True)
class Quote:
    """A review's own words, and where they come from."""

    text: str
    origin: str
    sentiment: str | None


@dataclass(frozen=True)
class Quotes:
    """Quotes under a title."""

    title: str
    quotes: Sequence[Quote]


Block = Facts | Paragraph | Picture | Table | Quotes


@dataclass(frozen=True)
class Section:
    """``name`` is its anchor; ``missing`` says why there is nothing to show."""

    name: str
    title: str
    blocks: Sequence[Block] = ()
    missing: str = ""


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    period: str
    fresh: str
    made: str
    sections: Sequence[Section] = field(default_factory=list)

    def without(self) -> list[str]:
        """Titles of the sections that the server does not tell."""
        return [section.title for section in self.sections if section.missing]
