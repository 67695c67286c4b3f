"""``reviewlens report``: write a report on a product, a category or all products."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.cli import options
from local.cli.connection import open_api
from local.cli.output import console, fail, notes, print_json
from local.errors import LocalStackError
from local.files import write_atomically
from reports.data import ReportError, Scope

if TYPE_CHECKING:
    from reports.document import Document

_HTML, _PDF = (".html", ".htm"), (".pdf",)


def report(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write, ending in .html or .pdf.")
    ],
    product: Annotated[str | None, typer.Option(help="Only the product with this id.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    date_from: Annotated[
        str | None,
        typer.Option("--from", help="Only reviews written on or after this day (YYYY-MM-DD)."),
    ] = None,
    date_to: Annotated[
        str | None,
        typer.Option("--to", help="Only reviews written on or before this day (YYYY-MM-DD)."),
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Write a report: sentiment over time, changes, aspects, and reviews as evidence.

    Without --product and --category it covers all products. The HTML file needs no other files and
    no network; the text of the PDF can be searched and copied.

    Example: reviewlens report --product RL-AUD-01 -o headphones.html
    """
    try:
        render = _renderer(output)
        first, last = _parse_day(date_from, "--from"), _parse_day(date_to, "--to")
        _check_options(product, category, first, last)
        contents = _document(state, api_url, Scope(product, category, first, last))
        body = render(contents)
        _write(output, body)
    except LocalStackError as error:
        fail(error)
    unavailable = contents.missing_titles()
    if as_json:
        print_json({"output": str(output), "bytes": len(body), "not_available": unavailable})
        return
    console().print(f"{output} ({len(body) / 1024:,.0f} KB)", markup=False)
    if unavailable:
        notes().print(f"Not available on this server: {', '.join(unavailable)}.", markup=False)


def _document(state: Path, api_url: str | None, scope: Scope) -> "Document":
    """The contents of the report.

    Raises:
        LocalStackError: there is nothing to report on, or the API returns an error.
    """
    from reports.gather import gather
    from reports.sections import document

    try:
        with open_api(state, api_url) as client:
            return document(gather(client, scope))
    except ReportError as error:
        raise LocalStackError(error.message, exit_code=2) from error


def _renderer(output: Path) -> "Callable[[Document], bytes]":
    """The function that renders the format of the output file.

    Raises:
        LocalStackError: the suffix or the folder is invalid, or a library is not installed.
    """
    suffix = output.suffix.lower()
    if suffix not in (*_HTML, *_PDF):
        raise LocalStackError(f"{output} must end in .html or .pdf.", exit_code=2)
    if output.is_dir() or not output.absolute().parent.is_dir():
        problem = "is a folder" if output.is_dir() else "is in a folder that does not exist"
        raise LocalStackError(f"{output} {problem}.", exit_code=2)
    try:
        if suffix in _PDF:
            from reports.pdf import pdf

            return pdf
        from reports.page import html
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("reports", "reviewlens", "shared"):
            raise
        message = f"Reports need {error.name}: pip install 'reviewlens[report]'."
        raise LocalStackError(message, exit_code=2) from error
    return lambda contents: html(contents).encode()


def _parse_day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{option}: {text!r} is not a date; use the form 2026-03-16."
        raise LocalStackError(message, exit_code=2) from error


def _check_options(
    product: str | None, category: str | None, first: date | None, last: date | None
) -> None:
    """Check the combination of options.

    Raises:
        LocalStackError: options are empty or exclude each other.
    """
    if product is not None and category is not None:
        message = "Use --product or --category, not both: a product has one category."
        raise LocalStackError(message, exit_code=2)
    for name, value in (("--product", product), ("--category", category)):
        if value is not None and not value.strip():
            raise LocalStackError(f"{name} is empty.", exit_code=2)
    if first and last and first > last:
        raise LocalStackError("--from must not be after --to.", exit_code=2)


def _write(output: Path, body: bytes) -> None:
    try:
        write_atomically(output, body, mode=0o644)
    except OSError as error:
        raise LocalStackError(f"{output} could not be written: {error.strerror}.") from error
