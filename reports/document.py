"""The structure of a report, for HTML and PDF: sections of blocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reports.figures import Look


@dataclass(frozen=True)
class Fact:
    """A figure with its name and a short note."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Figures side by side."""

    facts: Sequence[Fact]


@dataclass(frozen=True)
class Paragraph:
    """Plain text; ``weight`` is "plain", "lead" (the main result) or "note" (a remark)."""

    text: str
    weight: str = "plain"


@dataclass(frozen=True)
class Picture:
    """A plot; ``alt`` describes it for readers who do not see it."""

    title: str
    alt: str
    draw: "Callable[[Look], Figure]"


@dataclass(frozen=True)
class Table:
    """Formatted cells. ``words`` are the columns with text; the others contain numbers.

    ``folded``: the table repeats a plot in numbers and is closed at first.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset({0})
    folded: bool = False


@dataclass(frozen=True)
class Quote:
    """The text of a review and its source."""

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
    """``name`` is its anchor; ``missing`` is the reason if it is not available."""

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

    def missing_titles(self) -> list[str]:
        """Titles of the sections that are not available."""
        return [section.title for section in self.sections if section.missing]
