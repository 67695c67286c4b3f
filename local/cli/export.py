"""``reviewlens export``: all rows of a table as a file."""

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import fail, notes
from local.cli.table_files import CELL_CHARACTERS, FileFormat, text_lines, write_table
from local.errors import LocalStackError
from reviewlens import Client
from reviewlens.models import Aspect, Mover, Point, Product, StoredReview

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


def export(
    table: Annotated[Table, typer.Argument(help="What to export.")],
    file_format: Annotated[
        FileFormat | None,
        typer.Option("--format", help="How to write it; by default, the file's ending, or CSV."),
    ] = None,
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

    Products and movers have no days and no product to choose. Excel workbooks and Parquet need a
    file.

    Example: reviewlens export reviews --product RL-AUD-01 -o reviews.xlsx
    """
    filters = {
        "product_id": product, "category": category, "first_day": first_day, "last_day": last_day
    }  # fmt: skip
    given = {name: value for name, value in filters.items() if value is not None}
    if unknown := given.keys() - _FILTERS[table]:
        names = ", ".join(sorted(unknown))
        fail(LocalStackError(f"{table} cannot be filtered by {names}", exit_code=2))
    chosen = file_format or _format_of(output)
    if output is None and not chosen.is_text:
        fail(LocalStackError(f"{chosen} needs a file: add --output", exit_code=2))
    try:
        with open_api(state, api_url) as client:
            model, entries = _read(client, table, given)
            if output is None:
                sys.stdout.writelines(text_lines(entries, model, chosen))
                return
            cut = write_table(output, entries, model, chosen)
    except LocalStackError as error:
        fail(error)
    notes().print(f"Written: {output}", markup=False)
    if cut:
        notes().print(
            f"{cut} texts were cut: a cell of Excel has {CELL_CHARACTERS:,} characters. CSV, NDJSON"
            " and Parquet have them whole.",
            markup=False,
        )


def _format_of(output: Path | None) -> FileFormat:
    """As the name of the file ends; CSV for other names, and for standard output."""
    ending = output.suffix.lower().removeprefix(".") if output else ""
    return FileFormat(ending) if ending in set(FileFormat) else FileFormat.CSV


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
