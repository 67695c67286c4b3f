"""A report as PDF: real text, outline, plots; laid out by ReportLab in DejaVu Sans."""

import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    Image,
    LongTable,
    PageTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Paragraph as Lines

from reports.document import Block, Document, Facts, Paragraph, Picture, Quotes, Table
from reports.figures import LIGHT, png

_FONT, _BOLD = "ReviewlensSans", "ReviewlensSans-Bold"
_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_MAX_FOLDED_ROWS = 60
"""Rows of a table that repeats a plot; the HTML report has all of them."""
_FACTS_IN_A_ROW = 4
_PADDING = 4.0
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufe00-\ufe0f\ufeff]"
)
"""Invisible characters without a glyph: controls, marks of direction and of variants."""


def pdf(document: Document) -> bytes:
    """The file's bytes."""
    writer = _Writer()
    story = list(writer.story(document))
    sink = io.BytesIO()
    _Template(sink, document).build(story)
    return sink.getvalue()


class _Template(BaseDocTemplate):  # type: ignore[misc]
    """A4 pages with a foot, and an outline of the sections."""

    def __init__(self, sink: io.BytesIO, document: Document) -> None:
        super().__init__(
            sink, pagesize=A4, title=document.title, subject=document.period, author="Reviewlens",
            lang="en", invariant=1,
        )  # fmt: skip
        self._foot = f"{document.title}, {document.period}"
        frame = Frame(_MARGIN, _MARGIN, _WIDTH, A4[1] - 2 * _MARGIN, 0, 0, 0, 0)
        self.addPageTemplates(PageTemplate("page", [frame], onPage=self._draw_foot))

    def _draw_foot(self, canvas: Any, _document: Any) -> None:
        canvas.setFont(_FONT, 7.5)
        canvas.setFillColor(HexColor(LIGHT.muted))
        canvas.drawString(_MARGIN, 10 * mm, _printed(self._foot)[0][:110])
        canvas.drawRightString(A4[0] - _MARGIN, 10 * mm, str(canvas.getPageNumber()))

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - ReportLab calls it
        """Enter a heading into the outline."""
        key = getattr(flowable, "outline_key", None)
        if key:
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(flowable.getPlainText(), key, level=0)


class _Writer:
    """Makes the flowables; remembers whether the font lacks a character."""

    def __init__(self) -> None:
        _register()
        self._lacks_glyphs = False

    def story(self, document: Document) -> Iterator[Flowable]:
        yield self._lines(document.title, "title")
        if document.subtitle:
            yield self._lines(document.subtitle, "note")
        for name, value in (
            ("Period", document.period),
            ("Freshness", document.fresh),
            ("Made", document.made),
        ):
            yield self._lines(f"{name}: {value}", "note")
        for section in document.sections:
            heading = self._lines(section.title, "section")
            heading.outline_key = section.name
            yield heading
            if section.missing:
                yield self._lines(f"Not available: {section.missing}", "note")
            for block in section.blocks:
                yield from self._block(block)
        if self._lacks_glyphs:
            note = "□ replaces a character that this file's font lacks; the HTML report has it."
            yield self._lines(note, "note")

    def _block(self, block: Block) -> Iterator[Flowable]:
        match block:
            case Facts():
                yield from self._facts(block)
            case Paragraph():
                yield self._lines(block.text, block.weight)
            case Picture():
                yield from self._picture(block)
            case Table():
                yield from self._table(block)
            case Quotes():
                yield from self._quotes(block)

    def _lines(self, text: str, style: str) -> Lines:
        printed, lacks = _printed(text)
        self._lacks_glyphs = self._lacks_glyphs or lacks
        return Lines(escape(printed).replace("\n", "<br/>"), _styles()[style])

    def _facts(self, block: Facts) -> Iterator[Flowable]:
        cells: list[Any] = [
            [
                self._lines(fact.name, "small"),
                self._lines(fact.value, "figure"),
                self._lines(fact.note or " ", "small"),
            ]
            for fact in block.facts
        ]
        cells += [""] * (-len(cells) % _FACTS_IN_A_ROW)
        rows = [cells[at : at + _FACTS_IN_A_ROW] for at in range(0, len(cells), _FACTS_IN_A_ROW)]
        grid = LongTable(rows, colWidths=[_WIDTH / _FACTS_IN_A_ROW] * _FACTS_IN_A_ROW)
        grid.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP")]))
        yield grid

    def _picture(self, block: Picture) -> Iterator[Flowable]:
        figure = block.draw(LIGHT)
        wide, high = (float(inches) * 72 for inches in figure.get_size_inches())
        scale = min(1.0, _WIDTH / wide)
        image = Image(io.BytesIO(png(figure)), wide * scale, high * scale, hAlign="LEFT")
        image.keepWithNext = 1  # as headings have it: all of them stay on one page
        yield self._lines(block.title, "heading")
        yield image
        yield self._lines(block.alt, "note")

    def _table(self, block: Table) -> Iterator[Flowable]:
        yield self._lines(block.title, "heading")
        if block.folded and len(block.rows) > _MAX_FOLDED_ROWS:
            yield self._lines(f"The HTML report has these {len(block.rows)} rows.", "note")
            return
        if not block.rows:
            return
        rows = [
            [self._lines(name, self._cell(block, at, "head")) for at, name in enumerate(block.head)]
        ]
        rows += [
            [self._lines(cell, self._cell(block, at, "cell")) for at, cell in enumerate(row)]
            for row in block.rows
        ]
        table = LongTable(rows, colWidths=_column_widths(block), repeatRows=1, hAlign="LEFT")
        line = ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(LIGHT.grid))
        padding = [(f"{side}PADDING", (0, 0), (-1, -1), _PADDING / 2) for side in ("TOP", "BOTTOM")]
        padding += [(f"{side}PADDING", (0, 0), (-1, -1), _PADDING) for side in ("LEFT", "RIGHT")]
        table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), line, *padding]))
        yield table
        yield Spacer(0, 2 * mm)

    @staticmethod
    def _cell(block: Table, column: int, style: str) -> str:
        return style if column in block.words else f"{style}-number"

    def _quotes(self, block: Quotes) -> Iterator[Flowable]:
        yield self._lines(block.title, "heading")
        for quote in block.quotes:
            origin = f"{quote.sentiment}, {quote.origin}" if quote.sentiment else quote.origin
            cell = [self._lines(quote.text, "quote"), self._lines(origin, "small")]
            box = LongTable([[cell]], colWidths=[_WIDTH], hAlign="LEFT")
            colour = getattr(LIGHT, quote.sentiment) if quote.sentiment else LIGHT.grid
            bar = ("LINEBEFORE", (0, 0), (0, -1), 2.2, HexColor(colour))
            box.setStyle(TableStyle([bar, ("LEFTPADDING", (0, 0), (-1, -1), 8)]))
            yield box
            yield Spacer(0, 1.5 * mm)


def _column_widths(block: Table) -> list[float]:
    """Columns of numbers get the width they need; columns of text share the rest by length."""
    columns = list(zip(*[block.head, *block.rows], strict=True))
    widths = [max(_text_width(cell) for cell in column) + 2 * _PADDING + 1 for column in columns]
    heads = [max(_text_width(word) for word in name.split() or [""]) for name in block.head]
    for at, column in enumerate(columns):
        if at not in block.words:
            cells = max((_text_width(cell) for cell in column[1:]), default=0.0)
            widths[at] = max(cells, heads[at]) + 2 * _PADDING + 1
    numbers = sum(width for at, width in enumerate(widths) if at not in block.words)
    words = {at: widths[at] for at in block.words if at < len(widths)}
    room = max(_WIDTH - numbers, 60.0)
    if sum(words.values()) <= room:
        return widths
    floor = min(60.0, room / max(1, len(words)))
    above = {at: max(0.0, width - floor) for at, width in words.items()}
    share = (room - floor * len(words)) / max(1.0, sum(above.values()))
    return [floor + above[at] * share if at in words else w for at, w in enumerate(widths)]


def _text_width(text: str) -> float:
    return float(pdfmetrics.stringWidth(_printed(text)[0], _BOLD, _styles()["cell"].fontSize))


def _printed(text: str) -> tuple[str, bool]:
    """A text in characters of the font, and whether the font lacks one of them."""
    plain = _INVISIBLE.sub("", text)
    glyphs = pdfmetrics.getFont(_FONT).face.charToGlyph
    shown = "".join(c if c in "\n\t" or ord(c) in glyphs else "□" for c in plain)
    return shown, shown != plain


@lru_cache(maxsize=1)
def _register() -> None:
    """DejaVu Sans comes with Matplotlib: Latin, Greek, Cyrillic and more."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name, file in ((_FONT, "DejaVuSans.ttf"), (_BOLD, "DejaVuSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily(_FONT, normal=_FONT, bold=_BOLD, italic=_FONT, boldItalic=_BOLD)


@lru_cache(maxsize=1)
def _styles() -> dict[str, ParagraphStyle]:
    def style(
        name: str, size: float, *, bold: bool = False, muted: bool = False, **options: Any
    ) -> ParagraphStyle:
        colour = HexColor(LIGHT.muted if muted else LIGHT.ink)
        font = _BOLD if bold else _FONT
        return ParagraphStyle(
            name, fontName=font, fontSize=size, leading=size * 1.4, textColor=colour, **options
        )

    styles: Sequence[ParagraphStyle] = (
        style("title", 18, bold=True, spaceAfter=2 * mm),
        style("section", 13, bold=True, spaceBefore=8 * mm, spaceAfter=2 * mm, keepWithNext=1),
        style("heading", 9.5, bold=True, spaceBefore=3 * mm, spaceAfter=1.5 * mm, keepWithNext=1),
        style("plain", 9, spaceAfter=1.5 * mm),
        style("lead", 10.5, spaceAfter=2 * mm),
        style("note", 8, muted=True, spaceAfter=1 * mm),
        style("small", 7.5, muted=True),
        style("figure", 14, bold=True),
        style("quote", 9),
        style("head", 8, bold=True, muted=True),
        style("head-number", 8, bold=True, muted=True, alignment=2),
        style("cell", 8),
        style("cell-number", 8, alignment=2),
    )
    return {style.name: style for style in styles}
