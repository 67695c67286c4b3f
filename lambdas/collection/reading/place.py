"""Where a parser is in its dump, so that a later run can go on there.

Lines come in blocks. A place is a block, by its offset in the text of the dump, and the number of
lines from there on that are read: the later run splits the text again, maybe into shorter blocks,
and parses none of those lines.
In a Parquet file, the blocks are row groups, by their numbers, and rows take the place of lines.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class PlaceMark:
    """A border between two records.

    ``offset`` is in bytes of text: without compression and byte order mark, as UTF-8. ``lines``
    come before the block that begins there; ``skip`` lines from there on are read.
    """

    offset: int = 0
    lines: int = 0
    skip: int = 0
    header: list[str] | None = None
    """The header of delimited text as it is written."""
    credit: int | None = None
    """How much a parser may still read again; see CsvLines."""
    expanded: int | None = None
    """Bytes that were counted so far, of a format that expands."""


class Place:
    """Follows a parser from block to block; begins at a mark."""

    def __init__(self) -> None:
        self.mark = PlaceMark()
        """Where the parser begins."""
        self.header: list[str] | None = None
        self.offset = 0
        """Where the block begins that was returned last."""
        self.is_near = True
        """Whether a parser that begins at a mark soon reaches what follows it."""
        self.is_border = True
        """Whether the last record is the last one of its line."""
        self.finished: Callable[[], tuple[int, int]] | None = None
        """Lines that are read and the credit, of a parser whose records may have several lines."""
        self.expanded: Callable[[], int] | None = None
        """Bytes that are counted so far, of a format that expands."""
        self._blocks: deque[tuple[int, int]] = deque()
        self._skip = 0

    def resume(self, mark: PlaceMark) -> None:
        """Begin at a mark instead of the first line."""
        self.mark, self.header, self.offset = mark, mark.header, mark.offset
        self._skip = mark.skip

    def begin(self, lines: int, count: int) -> int:
        """Note that a block of ``count`` lines begins after ``lines``; returns how many to skip."""
        self._blocks.append((self.offset, lines))
        skip = min(self._skip, count)
        self._skip -= skip
        return skip

    def at(self, line: int | None) -> PlaceMark | None:
        """The place after the record of a line or row; None if it is not between two."""
        lines, credit = self.finished() if self.finished else (line, None)
        if lines is None or not self.is_border:
            return None
        blocks = self._blocks
        while len(blocks) > 1 and blocks[1][1] < lines:
            blocks.popleft()
        if not blocks or blocks[0][1] > lines:
            return None
        offset, before = blocks[0]
        expanded = self.expanded() if self.expanded else None
        return PlaceMark(offset, before, lines - before, self.header, credit, expanded)
