"""Asks routes of the insights application over HTTP, in turns, and reports p50 and p95."""

import itertools
import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

from benchmarks.context import Context
from benchmarks.figures import Report, Target, percentile
from benchmarks.processes import served
from benchmarks.stacks import Bare

_QUICK = Target(100.0, at_least=False)


def measure(bare: Bare, report: Report, context: Context, asked: dict[str, list[str]]) -> None:
    taken: dict[str, list[list[float]]] = {name: [] for name in asked}
    slowest: dict[str, float] = {}
    with served("lambdas.insights.api", environment=bare.environment) as port:
        connection = HTTPConnection("127.0.0.1", port)
        for name, addresses in asked.items():
            asked[name] = [*addresses, *_following(connection, addresses)]
        for _ in range(context.rounds):
            for name, addresses in asked.items():
                values = []
                turns = max(context.requests // 5, len(addresses))
                for address in itertools.islice(itertools.cycle(addresses), turns):
                    value = _ask(connection, address)[0]
                    values.append(value)
                    slowest[address] = max(slowest.get(address, 0), value)
                taken[name].append(values)
    for name, rounds in taken.items():
        report.add(f"{name}: p50", "ms", [percentile(values, 0.5) for values in rounds])
        report.add(f"{name}: p95", "ms", [percentile(values, 0.95) for values in rounds], _QUICK)
    worst = sorted(slowest, key=lambda address: -slowest[address])[:3]
    told = ", ".join(f"`{address}` {slowest[address]:.0f} ms" for address in worst)
    report.notes.append(f"One client over HTTP, pages that follow among them. Slowest: {told}.")


def _following(connection: HTTPConnection, addresses: list[str]) -> Iterator[str]:
    """The second page of each, where there is one."""
    for address in addresses:
        cursor = _ask(connection, address)[1].get("next_cursor")
        if cursor:
            yield f"{address}{'&' if '?' in address else '?'}cursor={cursor}"


def _ask(connection: HTTPConnection, address: str) -> tuple[float, dict[str, Any]]:
    started = time.perf_counter()
    connection.request("GET", address)
    answer = connection.getresponse()
    body = answer.read()
    taken = (time.perf_counter() - started) * 1000
    if answer.status != 200:
        raise RuntimeError(f"{address} answered {answer.status}: {body[:200]!r}")
    return taken, json.loads(body)
