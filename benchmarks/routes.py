"""Measures routes of the insights application over HTTP in turn, and reports p50 and p95."""

import itertools
import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

from benchmarks.context import Context
from benchmarks.figures import Report, Target, percentile
from benchmarks.processes import serve_application
from benchmarks.stacks import BareServices

_P95_MILLISECONDS = Target(100.0, at_least=False)


def measure(
    bare: BareServices, report: Report, context: Context, requests: dict[str, list[str]]
) -> None:
    """Measure the paths of each label in turn and add their figures to the report."""
    times: dict[str, list[list[float]]] = {name: [] for name in requests}
    slowest: dict[str, float] = {}
    with serve_application("lambdas.insights.api", environment=bare.environment) as port:
        connection = HTTPConnection("127.0.0.1", port)
        for name, paths in requests.items():
            requests[name] = [*paths, *_second_pages(connection, paths)]
        for _ in range(context.rounds):
            for name, paths in requests.items():
                values = []
                turns = max(context.requests // 5, len(paths))
                for path in itertools.islice(itertools.cycle(paths), turns):
                    value = _get(connection, path)[0]
                    values.append(value)
                    slowest[path] = max(slowest.get(path, 0), value)
                times[name].append(values)
    for name, rounds in times.items():
        report.add(f"{name}: p50", "ms", [percentile(values, 0.5) for values in rounds])
        report.add(
            f"{name}: p95", "ms", [percentile(values, 0.95) for values in rounds], _P95_MILLISECONDS
        )
    worst = sorted(slowest, key=lambda path: -slowest[path])[:3]
    examples = ", ".join(f"`{path}` {slowest[path]:.0f} ms" for path in worst)
    report.notes.append(f"One client over HTTP, including second pages. Slowest: {examples}.")


def _second_pages(connection: HTTPConnection, paths: list[str]) -> Iterator[str]:
    """Paths of the second pages, if any."""
    for path in paths:
        cursor = _get(connection, path)[1].get("next_cursor")
        if cursor:
            yield f"{path}{'&' if '?' in path else '?'}cursor={cursor}"


def _get(connection: HTTPConnection, path: str) -> tuple[float, dict[str, Any]]:
    started = time.perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    milliseconds = (time.perf_counter() - started) * 1000
    if response.status != 200:
        raise RuntimeError(f"{path} returned {response.status}: {body[:200]!r}")
    return milliseconds, json.loads(body)
