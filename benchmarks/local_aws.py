"""Compares the local AWS with an earlier version: requests that a stack makes most."""

import json
from typing import Any

from benchmarks.context import Context
from benchmarks.figures import Figure, Report
from benchmarks.processes import ROOT
from benchmarks.versions import version_running

_PROGRAM = ROOT / "benchmarks" / "children" / "use_local_aws.py"
_REQUESTS = {
    "put": "PUT of 1 MB",
    "get": "GET of 1 MB",
    "send": "SQS message sent",
    "take": "SQS message received and deleted",
}
_VALUES = {"rate": "requests/s", "cpu_ms": "ms"}


def _round(process: Any) -> dict[str, dict[str, float]]:
    process.stdin.write("\n")
    process.stdin.flush()
    result: dict[str, dict[str, float]] = json.loads(process.stdout.readline())
    return result


def run(context: Context) -> list[Report]:
    """Rates and processor time of both versions, in turns."""
    report = Report(f"The local AWS, compared with {context.against}")
    with (
        version_running(context.earlier, _PROGRAM) as before,
        version_running(ROOT, _PROGRAM) as now,
    ):
        rounds: dict[Any, list[dict[str, dict[str, float]]]] = {now: [], before: []}
        for each in (now, before):  # the first requests warm up imports
            _round(each)
        for number in range(context.rounds):
            for each in (now, before) if number % 2 else (before, now):
                rounds[each].append(_round(each))
    for request, title in _REQUESTS.items():
        for value, unit in _VALUES.items():
            name = title if value == "rate" else f"{title}: processor time of the server"
            values = {each: [one[request][value] for one in rounds[each]] for each in rounds}
            ours = report.add(name, unit, values[now])
            report.compare(f"{name} ÷ before", ours, Figure("", "", tuple(values[before])))
    report.notes.append("One client, one request at a time; client and server share the cores.")
    return [report]
