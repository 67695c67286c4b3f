"""Entry point of the command line: registers all commands."""

import typer

from local.cli import (
    adapt,
    ask,
    demo,
    doctor,
    ingest,
    models,
    page,
    report,
    reset,
    status,
    train,
    up,
)

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
    """Keep subcommands even if there is only one."""


for _command in (
    demo.demo,
    up.up,
    page.page,
    ingest.ingest,
    ask.analyze,
    ask.search,
    report.report,
    status.status,
    status.env,
    train.train,
    adapt.adapt,
    doctor.doctor,
    reset.reset,
):
    application.command()(_command)
application.add_typer(models.application, name="models")


def main() -> None:
    """Run the command line."""
    application()
