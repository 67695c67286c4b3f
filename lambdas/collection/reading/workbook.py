"""Opens Excel workbooks: finds the sheet and the header of the reviews."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import IO, Any

from lambdas.collection.reading.decompress import SizeLimit
from lambdas.collection.reading.formats.xlsx import (
    DAMAGE,
    MAX_COLUMNS,
    Row,
    header_name,
    open_workbook,
    parse_rows,
    sheet_rows,
)
from lambdas.collection.reading.formats.xlsx_merged import FillDown
from lambdas.collection.reading.opened import Opened, make_profile
from lambdas.collection.reading.options import ReadOptions
from lambdas.collection.reading.records import StreamState
from lambdas.collection.reading.rows import RowMaker
from lambdas.collection.reading.schemas import Schema, choose_schema
from shared.errors import IngestError

_HEADER_ROWS = 30
"""Rows in which the header is searched: titles and notes may be above it."""
_MAX_SHEETS = 20

Numbered = list[tuple[int, Row]]


def open_workbook_dump(
    file: IO[bytes], state: StreamState, size: SizeLimit, options: ReadOptions
) -> Opened:
    """Open the sheet that the mapping names, or the first one with a known header.

    Raises:
        IngestError: format_unknown, schema_unknown, mapping_invalid, decompression_limit,
            empty_object, cpu_time_limit.
    """
    workbook = open_workbook(file, options.limits, size)
    sheet, number, schema, columns = _choose(_sheets(workbook, options.hints), options)
    if len(columns) > MAX_COLUMNS:
        message = f"the header has {len(columns)} columns, the limit is {MAX_COLUMNS}"
        raise IngestError("schema_unknown", message)
    others = [each.title for each in workbook.worksheets if each.title != sheet.title]
    if others and "sheet" not in options.hints:
        listed = ", ".join(map(repr, others[:_MAX_SHEETS]))
        state.warnings.append(f"only the sheet {sheet.title!r} is read, not {listed}")
    state.encoding = "utf-8"
    limit = options.limits.max_record_bytes
    maker = RowMaker(schema, columns, options.reviewer_key)
    merged = FillDown(sheet, _places_to_fill(maker, columns), number)
    records = parse_rows(sheet_rows(sheet, len(columns)), columns, merged, state, limit)
    profile = make_profile("xlsx", state, schema.name, [name for name in columns if name])
    return Opened(records, state, profile, lambda _record: maker)


def _places_to_fill(maker: RowMaker, columns: list[str]) -> list[int]:
    """The columns of fields in which merged cells count; a text over several rows is one review."""
    fields = maker.field_columns(columns)
    return [columns.index(names[0]) for field, names in fields.items() if field != "text"]


def _sheets(workbook: Any, hints: Mapping[str, str]) -> list[Any]:
    """The sheets to search: the one that the mapping names, or the visible ones."""
    sheets = workbook.worksheets
    wanted = hints.get("sheet")
    if wanted is None:
        return [sheet for sheet in sheets if sheet.sheet_state == "visible"] or sheets
    named = [sheet for sheet in sheets if sheet.title.strip().lower() == wanted.strip().lower()]
    if not named and wanted.isdecimal() and 0 < int(wanted) <= len(sheets):
        named = [sheets[int(wanted) - 1]]
    if not named:
        titles = ", ".join(repr(sheet.title) for sheet in sheets[:_MAX_SHEETS])
        message = f"sheet={wanted[:80]!r} is not a sheet of the workbook; its sheets are {titles}"
        raise IngestError("mapping_invalid", message)
    return named


def _choose(sheets: list[Any], options: ReadOptions) -> tuple[Any, int, Schema, list[str]]:
    """The first sheet with a header that is understood, the header's row, schema and columns."""
    first_error: IngestError | None = None
    for sheet in sheets[:_MAX_SHEETS]:
        rows = _first_rows(sheet)
        if not rows:
            continue
        try:
            number, schema, columns = _find_header(rows, options)
        except IngestError as error:
            first_error = first_error or error
        else:
            return sheet, number, schema, columns
    raise first_error or IngestError("empty_object", "the Excel workbook has no rows")


def _first_rows(sheet: Any) -> Numbered:
    rows: Numbered = []
    # of a damaged sheet, the rows before the damage; where it is read, the rest is a reject
    with suppress(*DAMAGE):
        rows.extend(islice(sheet_rows(sheet), _HEADER_ROWS))
    return rows


def _find_header(rows: Numbered, options: ReadOptions) -> tuple[int, Schema, list[str]]:
    """The row whose cells are known columns, or else the first with the most names.

    Raises:
        IngestError: schema_unknown, mapping_invalid.
    """
    if options.hints.get("header") == "none":
        columns = [str(place + 1) for place in range(max(len(row) for _, row in rows))]
        return 0, choose_schema(columns, options.mapping), columns
    headers = [(number, _trim([header_name(value) for value in row])) for number, row in rows]
    for number, columns in headers:
        if len([name for name in columns if name]) > 1 and (schema := _schema(columns, options)):
            return number, schema, columns
    number, columns = max(headers, key=lambda header: (sum(map(bool, header[1])), -header[0]))
    return number, choose_schema(columns, options.mapping), columns


def _schema(columns: list[str], options: ReadOptions) -> Schema | None:
    try:
        return choose_schema(columns, options.mapping)
    except IngestError:
        return None


def _trim(columns: list[str]) -> list[str]:
    while columns and not columns[-1]:
        columns.pop()
    return columns
