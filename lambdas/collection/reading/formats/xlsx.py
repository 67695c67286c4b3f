"""Excel workbooks (.xlsx), row by row."""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from lzma import LZMAError
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from lambdas.collection.reading.decompress import SizeLimit
from lambdas.collection.reading.formats.unquoted import HEADER_AGAIN, cut_off, too_long
from lambdas.collection.reading.formats.xlsx_merged import FillDown
from lambdas.collection.reading.formats.xlsx_rows import written_rows
from lambdas.collection.reading.options import Limits
from lambdas.collection.reading.records import Named, Record, StreamState
from shared.errors import IngestError

_MAX_PART_BYTES = 64 * 2**20
"""Limit of each part that is kept in memory, such as the shared strings."""
MAX_COLUMNS = 1000
_COLUMNS_BESIDE = 20
"""Columns beside those of the header in which cells are noticed."""
_SHEETS = "xl/worksheets/"
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError),
    *(ParseError, KeyError, ValueError, TypeError, IndexError, AttributeError),
    RuntimeError,  # zipfile's for encryption and for unknown compressions
)
"""What openpyxl and zipfile raise for a damaged workbook."""
_ERROR_VALUES = frozenset(
    {"#N/A", "#DIV/0!", "#REF!", "#NAME?", "#NULL!", "#NUM!", "#VALUE!", "#SPILL!", "#CALC!"}
)
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")

Row = tuple[Any, ...]


def open_workbook(file: IO[bytes], limits: Limits, size: SizeLimit) -> Any:
    """Open a workbook without reading its sheets; ``size`` counts their bytes.

    Raises:
        IngestError: format_unknown, decompression_limit, cpu_time_limit.
    """
    # 9 MiB that only workbooks need; with defusedxml, openpyxl expands no entities
    import openpyxl
    from defusedxml import DefusedXmlException

    try:
        size.add(check_parts(file, limits), expanded=True)
        file.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that are not read
            return openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except DAMAGE as error:
        message = f"the Excel workbook cannot be read; it may be truncated: {error}"[:300]
        if isinstance(error.__cause__ or error, DefusedXmlException):
            message = "the Excel workbook declares XML entities, which are not read"
        raise IngestError("format_unknown", message) from error


def check_parts(file: IO[bytes], limits: Limits) -> int:
    """Return the size of a workbook, and refuse one that would expand beyond the limits.

    Raises:
        IngestError: decompression_limit.
    """
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if size > limits.max_bytes or (size > limits.ratio_floor and size > limits.max_ratio * packed):
        message = f"the Excel workbook expands to {size} bytes, more than the limits allow"
        raise IngestError("decompression_limit", message)
    for part in parts:
        if part.file_size > _MAX_PART_BYTES and _is_held(part.filename):
            raise IngestError(
                "decompression_limit",
                f"the part {part.filename[:80]!r} of the Excel workbook has more than "
                f"{_MAX_PART_BYTES // 2**20} MiB; save the sheet as CSV",
            )
    return size


def _is_held(name: str) -> bool:
    """Whether a part is kept in memory: all but the sheets, pictures and other media."""
    return name.endswith((".xml", ".rels")) and not name.startswith(_SHEETS)


def sheet_rows(sheet: Any, width: int | None = None) -> Iterator[tuple[int, Row]]:
    """Yield the number and the values of each row that is not empty.

    With ``width``, the columns of the header, few columns beside them are read: a row is filled up
    to its last cell, so one cell far to the right would cost as much as thousands.
    """
    percent = _has_percentages(sheet.parent)
    last_column = None if width is None else width + _COLUMNS_BESIDE
    read = _cell_value if percent else _value
    for number, cells in written_rows(sheet, last_column, values_only=not percent):
        values = tuple(map(read, cells))
        if any(value is not None for value in values):
            yield number, values


def _has_percentages(workbook: Any) -> bool:
    """Whether a style of the workbook shows percentages; only then are cells read with styles."""
    return any(
        "%" in _number_format(workbook, style.numFmtId)
        for style in workbook._cell_styles  # noqa: SLF001 - the styles are not public
    )


def _number_format(workbook: Any, number: int) -> str:
    from openpyxl.styles.numbers import BUILTIN_FORMATS_MAX_SIZE, builtin_format_code

    if builtin := builtin_format_code(number):
        return str(builtin)
    formats, place = workbook._number_formats, number - BUILTIN_FORMATS_MAX_SIZE  # noqa: SLF001
    return str(formats[place]) if 0 <= place < len(formats) else ""


def _cell_value(cell: Any) -> Any:
    """The value of a cell; a number that is shown as a percentage is one: 0.8 is 80%."""
    value = _value(cell.value)
    if value.__class__ in (int, float) and "%" in str(cell.number_format):
        return f"{round(value * 100, 6):g}%"
    return value


def _value(value: Any) -> Any:
    """A cell as text, number, truth value or None; dates as ISO 8601."""
    if value.__class__ is str:
        if "_x" in value:
            value = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value)
        return None if value in _ERROR_VALUES or not value.strip() else value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else value


def parse_rows(
    rows: Iterator[tuple[int, Row]],
    columns: list[str],
    merged: FillDown,
    state: StreamState,
    limit: int,
) -> Iterator[Record]:
    """Yield one record per row below the header, as the list of the values of columns."""
    width = len(columns)
    merged.find(state, DAMAGE)
    beyond = 0
    names: list[str | None] = [name or None for name in columns]
    while True:
        try:
            number, row = next(rows)
        except StopIteration:
            break
        except DAMAGE as error:
            state.warnings.append(
                f"the Excel sheet is damaged; the rest is not read: {error}"[:300]
            )
            yield Record(None, cut_off(), "")
            break
        if number <= merged.header:
            continue
        beyond += any(value is not None for value in row[width:])
        values = [*row[:width], *[None] * (width - len(row))]
        if any(value is not None for value in values):
            merged.fill(number, values)
            yield _record(number, values, columns, names, limit)
    if beyond:
        state.warnings.append(f"{beyond} rows have cells beside the columns of the header")


def _record(
    number: int, values: list[Any], columns: list[str], names: list[str | None], limit: int
) -> Record:
    raw = Named(columns, tuple(values))
    if [header_name(value) or None for value in values] == names:
        return Record(number, HEADER_AGAIN, raw)
    if sum(len(value) for value in values if isinstance(value, str)) > limit:
        return Record(number, too_long(limit), raw)
    return Record(number, values, raw)


def header_name(value: Any) -> str:
    """A cell of the header as the name of its column."""
    return "" if value is None else " ".join(str(value).split())
