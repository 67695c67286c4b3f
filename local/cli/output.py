"""Output of the commands, and their error messages: one line, no traceback."""

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

import typer
from pydantic import BaseModel
from rich.console import Console

from local.errors import LocalStackError
from shared.schemas.tables import csv_lines

_PIPE_COLUMNS = 200


def console() -> Console:
    """Standard output: plain and wide if not a terminal, without colours if NO_COLOR is set."""
    width = None if sys.stdout.isatty() else _PIPE_COLUMNS
    return Console(highlight=False, width=width, soft_wrap=width is not None)


def notes() -> Console:
    """Standard error, for progress and notes, so that they never mix with results."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print a result as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=_jsonable) + "\n")


def _jsonable(value: Any) -> Any:
    is_model = isinstance(value, BaseModel)
    return value.model_dump(mode="json", by_alias=True) if is_model else str(value)


def print_csv(entries: Iterable[BaseModel], model: type[BaseModel]) -> None:
    """Print entries as CSV, with texts defused that a spreadsheet would run as formulas."""
    sys.stdout.writelines(csv_lines(entries, model))


def fail(error: LocalStackError) -> NoReturn:
    """Print the error and exit the command."""
    notes().print(f"[red]Error:[/red] {_escaped(error.message)}", soft_wrap=True)
    raise typer.Exit(error.exit_code)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def is_interactive() -> bool:
    """Whether standard error is a terminal, which can show progress bars."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
