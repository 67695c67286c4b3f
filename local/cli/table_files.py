"""Tables as files: CSV, lines of JSON, Excel workbooks and Parquet, row after row."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from local.errors import LocalStackError
from shared.schemas.tables import (
    BYTE_ORDER_MARK,
    Kind,
    columns,
    csv_lines,
    ndjson_lines,
    typed_rows,
)

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

SHEET_ROWS = 1_048_576
"""Rows that a sheet of a workbook can have, its header included."""
CELL_CHARACTERS = 32_767
"""Characters that a cell of a workbook can have; Excel counts in UTF-16."""
ROW_GROUP = 10_000
_NOT_IN_XML = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd"
)
_KNOWN_DATES = date(1900, 3, 1)
"""Excel counts days from here as all others do."""


class FileFormat(StrEnum):
    """How a table is written."""

    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"
    PARQUET = "parquet"

    @property
    def is_text(self) -> bool:
        """Whether it can be written to a terminal or a pipe."""
        return self in (FileFormat.CSV, FileFormat.NDJSON)


def text_lines(
    entries: Iterable[BaseModel], model: type[BaseModel], file_format: FileFormat
) -> Iterable[str]:
    """The lines of a table in a text format."""
    if file_format is FileFormat.CSV:
        return csv_lines(entries, model)
    return ndjson_lines(entries)


def write_table(
    path: Path, entries: Iterable[BaseModel], model: type[BaseModel], file_format: FileFormat
) -> int:
    """Write all entries to a file, which is replaced when the last one is written.

    Args:
        path: the file.
        entries: all of the model; read one after the other.
        model: gives the columns.
        file_format: how to write it.

    Returns:
        The number of cells that were cut, because a workbook has no room for their text.

    Raises:
        LocalStackError: the file cannot be written.
    """
    is_device = path.exists() and not path.is_file()  # /dev/stdout, for example
    temporary = path if is_device else path.with_name(f".{path.name}.part")
    try:
        cut = _write(temporary, entries, model, file_format)
        if not is_device:
            temporary.replace(path)
    except OSError as error:
        raise LocalStackError(f"{path}: {error.strerror or error}") from error
    finally:
        if not is_device:
            temporary.unlink(missing_ok=True)
    return cut


def _write(
    path: Path, entries: Iterable[BaseModel], model: type[BaseModel], file_format: FileFormat
) -> int:
    if file_format is FileFormat.XLSX:
        return _write_xlsx(path, entries, model)
    if file_format is FileFormat.PARQUET:
        _write_parquet(path, entries, model)
        return 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(BYTE_ORDER_MARK if file_format is FileFormat.CSV else "")
        file.writelines(text_lines(entries, model, file_format))
    return 0


def _write_xlsx(path: Path, entries: Iterable[BaseModel], model: type[BaseModel]) -> int:
    """One sheet, and another one whenever a sheet is full. Texts are texts, never formulas."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = _new_sheet(book, model)
    rows = cut = 0
    try:
        for values in typed_rows(entries, model):
            if rows == SHEET_ROWS - 1:
                sheet, rows = _new_sheet(book, model), 0
            cut += sum(isinstance(value, str) and _is_long(value) for value in values)
            sheet.append([_cell(sheet, value) for value in values])
            rows += 1
    except BaseException:
        for each in book.worksheets:
            each.close()  # or its writer complains when it is collected
        raise
    book.save(path)
    return cut


def _new_sheet(book: Any, model: type[BaseModel]) -> "WriteOnlyWorksheet":
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    sheet.append([column.name for column in columns(model)])
    return sheet


def _cell(sheet: "WriteOnlyWorksheet", value: Any) -> "WriteOnlyCell | Any":
    """A cell with a number, a day, or a text that is no formula, whatever it begins with."""
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, datetime):
        value = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        if day >= _KNOWN_DATES:
            return value
        value = value.isoformat()
    if not isinstance(value, str):
        return value
    text = str(value).translate(_NOT_IN_XML)
    cell = WriteOnlyCell(sheet, _shortened(text) if _is_long(text) else text)
    cell.data_type = "s"
    return cell


def _is_long(text: str) -> bool:
    if len(text) * 2 <= CELL_CHARACTERS:
        return False
    return len(text.encode("utf-16-le", "surrogatepass")) > CELL_CHARACTERS * 2


def _shortened(text: str) -> str:
    """The longest beginning that fits into a cell, with an ellipsis."""
    units = text.encode("utf-16-le")[: (CELL_CHARACTERS - 1) * 2]
    return units.decode("utf-16-le", "ignore") + "…"


def _write_parquet(path: Path, entries: Iterable[BaseModel], model: type[BaseModel]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[Kind, Any] = {
        str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64(),
        date: pa.date32(), datetime: pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    schema = pa.schema([(column.name, types[column.kind]) for column in columns(model)])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        values = typed_rows(entries, model)
        while rows := list(islice(values, ROW_GROUP)):
            arrays = [
                pa.array(column, type=field.type)
                for column, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
