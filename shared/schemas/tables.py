"""Answers as tables: one row for each entry, its nested fields as columns of their own."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

TableFormat = Literal["json", "csv", "ndjson"]
MEDIA_TYPES: dict[TableFormat, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson; charset=utf-8",
}
BYTE_ORDER_MARK = "\ufeff"
"""Begins a CSV file: without it, Excel takes UTF-8 for the code page of the machine."""
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""Excel, LibreOffice and Google Sheets run a cell that begins so (the last four are full-width)."""

_Path = tuple[str, ...]
Kind = type[str] | type[bool] | type[int] | type[float] | type[date] | type[datetime]
_KINDS: tuple[Kind, ...] = (bool, int, float, datetime, date)
"""Subclasses before their bases: a bool is an int, and a datetime is a date."""


class Column(NamedTuple):
    """A column of a table."""

    name: str
    """Names of nested fields are joined with ``_``."""
    kind: Kind
    """Type of all its values but None; names of an enumeration are str."""


def csv_lines(entries: Iterable[BaseModel], model: type[BaseModel]) -> Iterator[str]:
    """Write a header and entries as lines of CSV (RFC 4180), each with its line break.

    Lists of an entry, such as quotes, are left out: they have no place in a row. A text that a
    spreadsheet would run as a formula begins with an apostrophe, which it shows as text.

    Args:
        entries: all of the model.
        model: gives the columns, so that they are the same for any entries.
    """
    paths = [path for path, _ in _paths(model)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(column.name for column in columns(model))
    for entry in entries:
        values = entry.model_dump(mode="json")
        writer.writerow(_cell(_value(values, path)) for path in paths)
        yield _take(buffer)
    yield _take(buffer)


def typed_rows(entries: Iterable[BaseModel], model: type[BaseModel]) -> Iterator[list[Any]]:
    """The values of each entry in the order of ``columns``, each of its column's kind or None."""
    paths = [path for path, _ in _paths(model)]
    for entry in entries:
        values = entry.model_dump(mode="python")
        yield [_value(values, path) for path in paths]


def ndjson_lines(entries: Iterable[BaseModel]) -> Iterator[str]:
    """Write entries as lines of JSON, the same objects as in an answer."""
    for entry in entries:
        yield entry.model_dump_json(by_alias=True) + "\n"


def columns(model: type[BaseModel]) -> list[Column]:
    """The columns of a table of these entries: their fields and nested fields, but no lists."""
    return [Column("_".join(path), kind) for path, kind in _paths(model)]


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _paths(model: type[BaseModel]) -> Iterator[tuple[_Path, Kind]]:
    for name, field in model.model_fields.items():
        kinds = [kind for kind in _alternatives(field.annotation) if kind is not NoneType]
        nested = next((kind for kind in kinds if _is_model(kind)), None)
        if nested is not None:
            yield from (((name, *path), kind) for path, kind in _paths(nested))
        elif not any(get_origin(kind) in (list, tuple, dict) for kind in kinds):
            yield (name,), _kind(kinds)


def _kind(kinds: Sequence[Any]) -> Kind:
    for known in _KINDS:
        if all(isinstance(kind, type) and issubclass(kind, known) for kind in kinds):
            return known
    return str


def _alternatives(kind: Any) -> Sequence[Any]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _value(values: Any, path: _Path) -> Any:
    for name in path:
        if values is None:
            return None
        values = values[name]
    return values


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" ").startswith(_FORMULA_STARTS) else value
    return value
