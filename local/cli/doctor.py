"""``reviewlens doctor``: check this machine, and the stack if it runs."""

from dataclasses import asdict

import typer

from local.cli import options
from local.cli.output import console, print_json
from local.cli.up import shipped_model
from local.stack.checks import run_checks
from local.state import Ports, StateFolder

_SIGNS = {
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
    """Check that this machine has what the stack needs, and that a running stack is well.

    The exit status is 1 when a check failed.

    Example: reviewlens doctor
    """
    ports = Ports(gateway=port, aws=aws_port, database=database_port)
    found = []
    for finding in run_checks(StateFolder(state), ports, model or shipped_model()):
        found.append(finding)
        if not as_json:
            console().print(f"{_SIGNS[finding.verdict]} {finding.check}: ", end="", soft_wrap=True)
            told = f"{finding.found}{' - ' if finding.advice else ''}{finding.advice}"
            console().print(told, markup=False, soft_wrap=True)
    if as_json:
        print_json({"checks": [asdict(finding) for finding in found]})
    if any(finding.verdict == "failed" for finding in found):
        raise typer.Exit(1)
