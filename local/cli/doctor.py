"""``reviewlens doctor``: check this machine and a running stack."""

from dataclasses import asdict

import typer

from local.cli import options
from local.cli.output import console, print_json
from local.cli.up import shipped_model
from local.stack.checks import run_checks
from local.state import Ports, StateFolder

_LABELS = {
    "ok": "[green]ok[/]     ",
    "warning": "[yellow]warning[/]",
    "failed": "[red]failed[/] ",
}


def doctor(
    as_json: options.Json = False,
    state: options.State = options.STATE,
    port: options.Port = options.DEFAULTS.gateway,
    aws_port: options.AwsPort = options.DEFAULTS.aws,
    database_port: options.DatabasePort = options.DEFAULTS.database,
    model: options.Model = None,
) -> None:
    """Check that this machine meets the requirements and that a running stack is healthy.

    The exit status is 1 if a check failed.

    Example: reviewlens doctor
    """
    ports = Ports(gateway=port, aws=aws_port, database=database_port)
    results = []
    for result in run_checks(StateFolder(state), ports, model or shipped_model()):
        results.append(result)
        if not as_json:
            console().print(f"{_LABELS[result.verdict]} {result.check}: ", end="", soft_wrap=True)
            text = f"{result.found}{' - ' if result.advice else ''}{result.advice}"
            console().print(text, markup=False, soft_wrap=True)
    if as_json:
        print_json({"checks": [asdict(result) for result in results]})
    if any(result.verdict == "failed" for result in results):
        raise typer.Exit(1)
