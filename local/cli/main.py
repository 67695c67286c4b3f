"""Entry of the command line: all commands, and the one place where faults become exit codes."""

import typer

from local.cli import up

application = typer.Typer(
    name="reviewlens",
    help="Turn dumps of product reviews into sentiment, similar experiences and counts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@application.callback()
def _root() -> None:
    """Keep subcommands even where there is one."""


application.command()(up.up)


def main() -> None:
    """Run the command line."""
    application()
