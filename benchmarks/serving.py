"""Response times of a warm server with one and sixteen clients, and of its components."""

import itertools
from collections.abc import Sequence
from typing import Any

from benchmarks.context import Context
from benchmarks.figures import Figure, Report, Target, percentile
from benchmarks.processes import ROOT, run_child, serve_application
from benchmarks.queries import QUERY_TOKENS, cut_queries
from benchmarks.stacks import environment, index_count

_CLIENTS = (1, 16)
_QUERIES = 256
_ROUTES = ("/analyze", "/search_similar")
_BARE = "a FastAPI route that does nothing"
_ONE_CLIENT_MILLISECONDS = Target(8.0, at_least=False)
_COMPONENTS = {
    "analyze": "the service's analyze() without HTTP",
    "encoder": "encoder alone",
    "index": "index alone (nearest, distinct, rows)",
    "faiss": "FAISS alone, ten nearest",
    "numpy": "numpy float32, ten nearest exactly",
}


def run(context: Context) -> list[Report]:
    """Run all measurements once per round, so that ratios compare values from the same time."""
    stack = context.indexed
    queries = cut_queries(context.texts, ROOT / "models" / "default" / "tokenizer.json", _QUERIES)
    variables = environment(stack.running.aws_url, context.indexed_folder.cache, stack.keys)
    task = {"queries": queries, "repeats": context.requests}
    loads: dict[tuple[str, int], list[dict[str, Any]]] = {}
    inside = []
    with serve_application() as bare_port:
        targets = [(path, stack.running.gateway, path) for path in _ROUTES]
        targets.append((_BARE, bare_port, "/analyze"))
        for _ in range(context.rounds):
            for clients, (name, port, path) in itertools.product(_CLIENTS, targets):
                done = _load(port, path, queries, clients, context.requests)
                loads.setdefault((name, clients), []).append(done)
            inside.append(run_child("inside", task, environment=variables))
    report = Report(f"Warm answers over HTTP, queries of {QUERY_TOKENS} tokens")
    over_http = {case: _add_route(report, *case, rounds) for case, rounds in loads.items()}
    alone = {name: _add_component(report, name, inside) for name in _COMPONENTS}
    at_one = over_http["/analyze", 1]
    report.compare("/analyze at 1 client ÷ encoder alone, p50", at_one, alone["encoder"])
    report.compare("/analyze at 1 client ÷ the same without HTTP, p50", at_one, alone["analyze"])
    report.compare("index alone ÷ FAISS alone, p50", alone["index"], alone["faiss"])
    report.compare("numpy exactly ÷ FAISS alone, p50", alone["numpy"], alone["faiss"])
    report.notes.append(
        f"{index_count(stack):,} reviews indexed, {len(queries)} different queries; "
        f"{context.requests:,} requests a round at one client and four times as many at sixteen, "
        "from a process of its own on the same cores."
    )
    return [report]


def _load(port: int, path: str, queries: Sequence[str], clients: int, requests: int) -> Any:
    task = {
        "port": port,
        "path": path,
        "clients": clients,
        "requests": requests if clients == 1 else 4 * requests,
        "warm": 10 * clients,
        "bodies": [{"query_text": text} for text in queries],
    }
    return run_child("load", task)


def _add_route(report: Report, name: str, clients: int, rounds: Sequence[dict[str, Any]]) -> Figure:
    """Add p50, p99 and rate of one route with a number of clients; returns the p50."""
    label = f"{name}, {clients} client{'s' if clients > 1 else ''}"
    goal = _ONE_CLIENT_MILLISECONDS if (name, clients) == ("/analyze", 1) else None
    times = [each["milliseconds"] for each in rounds]
    p50 = report.add(f"{label}: p50", "ms", [percentile(values, 0.50) for values in times], goal)
    report.add(f"{label}: p99", "ms", [percentile(values, 0.99) for values in times])
    rates = [len(each["milliseconds"]) / each["seconds"] for each in rounds]
    report.add(f"{label}: rate", "requests/s", rates)
    failed = sum(each["failed"] for each in rounds)
    if failed:
        report.notes.append(f"{label}: {failed} requests failed")
    return p50


def _add_component(report: Report, name: str, rounds: Sequence[dict[str, list[float]]]) -> Figure:
    """Add p50 and p99 of one component without HTTP; returns the p50."""
    label = _COMPONENTS[name]
    p50 = report.add(f"{label}: p50", "ms", [percentile(each[name], 0.50) for each in rounds])
    report.add(f"{label}: p99", "ms", [percentile(each[name], 0.99) for each in rounds])
    return p50
