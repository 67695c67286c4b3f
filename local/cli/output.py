"""What the commands print, and how a fault ends them: one clear line, no traceback."""

import json
import os
import sys
from typing import Any, NoReturn

import typer
from rich.console import Console

from local.errors import LocalStackError

_PIPE_WIDTH = 200


def console() -> Console:
    """Standard output; plain and wide where it is no terminal, plain where NO_COLOR is set."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, width=width, soft_wrap=width is not None)


def notes() -> Console:
    """Standard error: progress and remarks, which never mix with results."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print a result for programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def fail(error: LocalStackError) -> NoReturn:
    """Say what is wrong and end the command."""
    notes().print(f"[red]Error:[/red] {_escaped(error.message)}", soft_wrap=True)
    raise typer.Exit(error.exit_code)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def is_interactive() -> bool:
    """Whether a person watches: progress bars move only then."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
