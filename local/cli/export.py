"""``reviewlens export``: all rows of a table as CSV or lines of JSON."""

import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import fail, notes
from local.errors import LocalStackError
from reviewlens import Client
from reviewlens.models import Aspect, Mover, Point, Product, StoredReview
from shared.schemas.tables import BYTE_ORDER_MARK, csv_lines, ndjson_lines

_PAGE = 200
_MOST = 200
"""Movers and aspects; the API selects them from as many candidates."""


class Table(StrEnum):
    """What can be exported."""

    REVIEWS = "reviews"
    PRODUCTS = "products"
    MOVERS = "movers"
    ASPECTS = "aspects"
    TRENDS = "trends"


class Format(StrEnum):
    """How it is written."""

    CSV = "csv"
    NDJSON = "ndjson"


def export(
    table: Annotated[Table, typer.Argument(help="What to export.")],
    file_format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.CSV,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; else standard output.")
    ] = None,
    product: options.Product = None,
    category: options.Category = None,
    first_day: options.FirstDay = None,
    last_day: options.LastDay = None,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Write all rows of a table, for a spreadsheet or a program.

    Products and movers have no days and no product to choose.

    Example: reviewlens export reviews --product RL-AUD-01 -o reviews.csv
    """
    filters = {
        "product_id": product, "category": category, "first_day": first_day, "last_day": last_day
    }  # fmt: skip
    given = {name: value for name, value in filters.items() if value is not None}
    if unknown := given.keys() - _FILTERS[table]:
        names = ", ".join(sorted(unknown))
        fail(LocalStackError(f"{table} cannot be filtered by {names}", exit_code=2))
    try:
        with open_api(state, api_url) as client:
            model, entries = _read(client, table, given)
            lines = _lines(entries, model, file_format)
            if output is None:
                sys.stdout.writelines(lines)
            else:
                _write(output, lines, with_mark=file_format is Format.CSV)
    except LocalStackError as error:
        fail(error)


_FILTERS: dict[Table, frozenset[str]] = {
    Table.REVIEWS: frozenset({"product_id", "category", "first_day", "last_day"}),
    Table.PRODUCTS: frozenset({"category"}),
    Table.MOVERS: frozenset({"category"}),
    Table.ASPECTS: frozenset({"product_id", "category"}),
    Table.TRENDS: frozenset({"product_id", "category", "first_day", "last_day"}),
}


def _read(
    client: Client, table: Table, filters: dict[str, Any]
) -> tuple[type[BaseModel], Iterable[BaseModel]]:
    """The model of the rows and the rows; those of many pages are read while they are written."""
    match table:
        case Table.REVIEWS:
            return StoredReview, client.reviews(**filters, limit=_PAGE)
        case Table.PRODUCTS:
            return Product, client.products(**filters, limit=_PAGE)
        case Table.MOVERS:
            return Mover, client.movers(**filters, limit=_MOST).movers
        case Table.ASPECTS:
            return Aspect, client.aspects(**filters, limit=_MOST // 2, impact=True).aspects
        case Table.TRENDS:
            return Point, client.trends(**filters).points


def _lines(
    entries: Iterable[BaseModel], model: type[BaseModel], file_format: Format
) -> Iterator[str]:
    return csv_lines(entries, model) if file_format is Format.CSV else ndjson_lines(entries)


def _write(path: Path, lines: Iterable[str], *, with_mark: bool) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(BYTE_ORDER_MARK * with_mark)
            file.writelines(lines)
    except OSError as error:
        raise LocalStackError(f"{path}: {error.strerror}") from error
    notes().print(f"Written: {path}", markup=False)
