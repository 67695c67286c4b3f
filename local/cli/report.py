"""``reviewlens report``: a product, a category or everything as a page or a PDF to hand on."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.cli import options
from local.cli.output import console, fail, notes, print_json
from local.errors import LocalStackError
from local.stack.client import connected
from local.state import StateFolder, write_atomically

if TYPE_CHECKING:
    from reports.document import Document

_HTML, _PDF = (".html", ".htm"), (".pdf",)


def report(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: ….html or ….pdf.")],
    product: Annotated[str | None, typer.Option(help="Of this product (its id) only.")] = None,
    category: Annotated[str | None, typer.Option(help="Of this category only.")] = None,
    date_from: Annotated[
        str | None, typer.Option("--from", help="Written on this day or later (YYYY-MM-DD).")
    ] = None,
    date_to: Annotated[
        str | None, typer.Option("--to", help="Written on this day or earlier (YYYY-MM-DD).")
    ] = None,
    as_json: options.Json = False,
    state: options.State = options.STATE,
) -> None:
    """Write a report: sentiment over time, what changed, aspects, and the reviews that prove it.

    Without --product and --category it is about all products. The HTML file needs no other file
    and no network; the PDF has its text as text.

    Example: reviewlens report --product RL-AUD-01 -o headphones.html
    """
    try:
        render = _renderer(output)
        first, last = _day(date_from, "--from"), _day(date_to, "--to")
        _check(product, category, first, last)
        from reports.data import Scope
        from reports.gather import gather
        from reports.sections import document

        with connected(StateFolder(state)) as client:
            told = document(gather(client, Scope(product, category, first, last)))
        body = render(told)
        _write(output, body)
    except LocalStackError as error:
        fail(error)
    without = told.without()
    if as_json:
        print_json({"output": str(output), "bytes": len(body), "not_available": without})
        return
    console().print(f"{output} ({len(body) / 1024:,.0f} KB)", markup=False)
    if without:
        notes().print(f"Not available on this server: {', '.join(without)}.", markup=False)


def _renderer(output: Path) -> "Callable[[Document], bytes]":
    """How to write the file that is asked for.

    Raises:
        LocalStackError: its ending is none of ours, its folder is not there, or a library is not.
    """
    suffix = output.suffix.lower()
    if suffix not in (*_HTML, *_PDF):
        raise LocalStackError(f"{output} must end in .html or .pdf.", exit_code=2)
    if output.is_dir() or not output.absolute().parent.is_dir():
        told = "is a folder" if output.is_dir() else "lies in a folder that does not exist"
        raise LocalStackError(f"{output} {told}.", exit_code=2)
    try:
        if suffix in _PDF:
            from reports.pdf import pdf

            return pdf
        from reports.page import html
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("local", "shared"):
            raise
        told = f"Reports need {error.name}: pip install -c constraints.txt 'reviewlens[frontend]'"
        raise LocalStackError(f"{told} (or -e '.[frontend]' in a checkout).") from error
    return lambda told: html(told).encode()


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        told = f"{option}: {text!r} is no day; write it as 2026-03-16."
        raise LocalStackError(told, exit_code=2) from error


def _check(
    product: str | None, category: str | None, first: date | None, last: date | None
) -> None:
    """Refuse what cannot be asked for.

    Raises:
        LocalStackError: says which options do not go together.
    """
    if product is not None and category is not None:
        told = "Give --product or --category, not both: a product has one category."
        raise LocalStackError(told, exit_code=2)
    for name, value in (("--product", product), ("--category", category)):
        if value is not None and not value.strip():
            raise LocalStackError(f"{name} is empty.", exit_code=2)
    if first and last and first > last:
        raise LocalStackError("--from must not be after --to.", exit_code=2)


def _write(output: Path, body: bytes) -> None:
    try:
        write_atomically(output, body)
    except OSError as error:
        raise LocalStackError(f"{output} cannot be written: {error.strerror}.") from error
