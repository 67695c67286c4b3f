"""The rows of an Excel sheet: only those that are written, each in bounded memory."""

from collections.abc import Iterator
from typing import Any

from shared.errors import IngestError

MAX_ROWS = 2**20
"""Rows that a sheet of Excel can have."""
_MAX_CELLS = 16_384
"""Cells that a row of Excel can have."""
_MAX_ELEMENTS = 20 * _MAX_CELLS
"""XML elements up to the end of a row: rich text has several in a cell."""
_COLUMNS_AT_MOST = 20_000


def written_rows(sheet: Any, last_column: int | None, *, values_only: bool) -> Iterator[Any]:
    """Yield the number and the cells of each row up to ``last_column``; missing rows are left out.

    Raises:
        IngestError: decompression_limit if a row has more cells or elements than Excel writes.
    """
    from openpyxl.worksheet._reader import CELL_TAG, ROW_TAG, WorkSheetParser
    from openpyxl.xml.constants import SHEET_MAIN_NS
    from openpyxl.xml.functions import iterparse

    data_tag = f"{{{SHEET_MAIN_NS}}}sheetData"
    book = sheet.parent
    cells: list[Any] = []
    number = last = rows = elements = 0
    with sheet._get_source() as source:  # noqa: SLF001 - iter_rows also yields missing rows
        parser = WorkSheetParser(
            source,
            sheet._shared_strings,  # noqa: SLF001
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,  # noqa: SLF001
            timedelta_formats=book._timedelta_formats,  # noqa: SLF001
        )
        for event, element in iterparse(source, ("start", "end")):
            if event == "start":
                elements += 1
                if elements > _MAX_ELEMENTS:
                    raise _too_large(last)
            elif element.tag == CELL_TAG:
                cells.append(parser.parse_cell(element))
                if len(cells) > _MAX_CELLS:
                    raise _too_large(last)
                element.clear()
            elif element.tag == ROW_TAG:
                number, rows = _row_number(element, number), rows + 1
                element.clear()
                if max(number, rows) > MAX_ROWS:
                    return
                if number > last and cells:
                    widest = min(_COLUMNS_AT_MOST, max(cell["column"] for cell in cells))
                    yield number, sheet._get_row(cells, 1, last_column or widest, values_only)  # noqa: SLF001
                last = max(last, number)
                cells, parser.col_counter, elements = [], 0, 0
            elif element.tag == data_tag:
                return  # what follows, such as merged cells and rules, is not needed


def _row_number(row: Any, before: int) -> int:
    number = row.get("r")
    return before + 1 if number is None else int(float(number))


def _too_large(last: int) -> IngestError:
    message = f"a row of the Excel sheet has more than {_MAX_CELLS} cells, after row {last}"
    return IngestError("decompression_limit", message)
