"""Compares the reading of dumps of several formats and sizes with an earlier version."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.figures import Figure, Report, Target
from benchmarks.formats import WRITERS
from benchmarks.processes import ROOT

_SIZES = (1_000, 5_000, 50_000, 500_000)
_ROWS_PER_ROUND = 20_000
"""A small dump is read several times in each round, so that a round has about this many rows."""
_SPEED = Target(0.95, at_least=True)
_MEMORY = Target(1.0, at_least=False)
_PROGRAM = ROOT / "benchmarks" / "children" / "read_dumps.py"


@contextmanager
def version_running(root: Path, program: Path = _PROGRAM) -> Iterator[Any]:
    """Start a program (by default the one that reads dumps) with one version; yields it."""
    with subprocess.Popen(
        [sys.executable, "-P", str(program)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def _read(process: Any, path: Path, repeats: int) -> dict[str, float]:
    process.stdin.write(json.dumps({"path": str(path), "repeats": repeats}) + "\n")
    process.stdin.flush()
    result: dict[str, float] = json.loads(process.stdout.readline())
    return result


def reading(context: Context) -> Report:
    """Speed and memory of the reader, in turns with that of the earlier version."""
    report = Report(f"Reading dumps, compared with {context.against}")
    for rows in (size for size in _SIZES if size <= (context.rows or _SIZES[-1])):
        for ending, write in WRITERS.items():
            path = context.scratch / f"{rows}.{ending}"
            write(path, rows)
            _compare(report, f"{ending}, {rows:,} rows", path, rows, context)
            path.unlink()
    report.notes.append(
        "Rows for each second of processor time. Both versions read each dump in turns, in a new "
        "process each; memory is the largest of the process after the first reading."
    )
    return report


def _compare(report: Report, name: str, path: Path, rows: int, context: Context) -> None:
    repeats = max(1, _ROWS_PER_ROUND // rows)
    with version_running(context.earlier) as before, version_running(ROOT) as now:
        # the first reading warms up imports and the page cache
        memory = [_read(each, path, 1)["peak_mib"] for each in (now, before)]
        rates: dict[Any, list[float]] = {now: [], before: []}
        for number in range(context.rounds):
            for each in (now, before) if number % 2 else (before, now):
                rates[each].append(_read(each, path, repeats)["rate"])
    ours = report.add(f"{name}", "rows/s", rates[now])
    report.compare(f"{name}: ÷ before", ours, Figure("", "", tuple(rates[before])), _SPEED)
    report.add(f"{name}: memory ÷ before", "times", [memory[0] / memory[1]], _MEMORY)


def run(context: Context) -> list[Report]:
    return [reading(context)]
