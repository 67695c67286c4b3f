"""``reviewlens check`` and ``reviewlens repair``."""

import os
from dataclasses import asdict

import typer
from rich.table import Table

from local.cli import options
from local.cli.errors import exit_on_error
from local.cli.output import console, notes, print_json
from local.state import StateFolder


def check(as_json: options.Json = False, state: options.State = options.STATE) -> None:
    """Verify everything that is stored; the stack may run or not, and nothing is changed.

    Every object's bytes against its record, every artefact against its manifest, the ledger against
    objects and database, the index against embeddings, and every row and B-tree index of
    PostgreSQL. The exit status is 1 if there is a problem. `reviewlens repair` mends what can be
    mended.

    Example: reviewlens check --json
    """
    from local.checking import Checker

    with exit_on_error():
        reports = Checker(StateFolder(state)).run(_show_progress)
    is_good = not any(report.problems for report in reports)
    if as_json:
        print_json({"ok": is_good, "checks": [asdict(report) for report in reports]})
    else:
        table = Table("what", "checked", "problems", box=None, pad_edge=False)
        for report in reports:
            table.add_row(report.name, f"{report.checked:,}", f"{len(report.problems):,}")
        console().print(table)
        for report in reports:
            for problem in report.problems:
                console().print(f"- {problem}", markup=False, soft_wrap=True)
    if not is_good:
        raise typer.Exit(1)


def repair(as_json: options.Json = False, state: options.State = options.STATE) -> None:
    """Mend what `check` finds; no stack may run.

    Damaged files go into quarantine and damaged records are restored; pointers are set to the
    newest good version; shards without embeddings and figures are made again after the next start.
    What cannot be mended is listed, and the exit status is 1. Running it again is harmless.

    Example: reviewlens repair && reviewlens up
    """
    from local.repairing import repair as mend

    os.umask(0o077)
    with exit_on_error():
        report = mend(StateFolder(state), _show_progress)
    if as_json:
        print_json(asdict(report))
    else:
        for sentence in report.mended or ["Nothing had to be mended."]:
            console().print(sentence, markup=False, soft_wrap=True)
        for sentence in report.left:
            console().print(f"Not mended: {sentence}", markup=False, soft_wrap=True)
    if report.left:
        raise typer.Exit(1)


def _show_progress(step: str) -> None:
    notes().print(f"  {step}", style="dim")
