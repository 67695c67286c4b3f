"""Resident memory: of the inference function, and of what the local stack runs."""

from collections.abc import Callable
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

from benchmarks.context import Context
from benchmarks.figures import Report
from benchmarks.lambda_process import MODEL, first_answer, plain_answer
from benchmarks.processes import ask
from benchmarks.queries import cut_to
from benchmarks.stacks import index_count

_MEBI = 2**20
_LATER = 200
_HEAVY = ("/torch/", "/transformers/")


def run(context: Context) -> list[Report]:
    stack = context.indexed
    running = stack.running
    queries = cut_to(context.texts, MODEL / "tokenizer.json", 64)
    bodies = [{"query_text": text} for text in queries]
    load = {"port": running.gateway, "path": "/analyze", "clients": 16, "bodies": bodies}
    answers, plain = [], []
    served: dict[str, list[float]] = {}
    for _ in range(context.rounds):
        ask("load", {**load, "requests": context.requests, "warm": 16})
        for name, pid in {**running.children, "command and AWS": running.pid}.items():
            of = _of_tree if name == "postgres" else _of_one
            served.setdefault(name, []).append(of(pid))
        answers.append(first_answer(stack, context.indexed_folder.cache, queries[0], more=_LATER))
        plain.append(plain_answer(queries[0]))
    report = Report("Resident memory")
    first = report.add(
        "inference function after its first answer", "MiB", _of(answers, "resident_mib")
    )
    report.add(f"… after {_LATER} more answers", "MiB", _of(answers, "resident_later_mib"))
    peer = report.add("plain onnxruntime after one pass", "MiB", _of(plain, "resident_mib"))
    report.compare("inference function ÷ plain onnxruntime", first, peer)
    for name, values in served.items():
        report.add(f"local stack: {name}", "MiB", values)
    heavy = _mapped(running.children["gateway"])
    report.notes.append(
        f"{index_count(stack):,} reviews indexed; the gateway under load from 16 clients just "
        "before. The worker holds what it loaded for the work that it had since it started. "
        "postgres is the proportional share of all its processes, the rest is resident memory."
    )
    told = ", ".join(heavy) or "none"
    report.notes.append(f"Training libraries that the gateway has mapped: {told}.")
    return [report]


def _of(answers: list[dict[str, float]], name: str) -> list[float]:
    return [each[name] for each in answers]


def _of_one(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss / _MEBI)


def _of_tree(pid: int) -> float:
    """All processes below one, with what they share counted once (where the system tells)."""
    found = psutil.Process(pid)
    return sum(map(_share, (found, *found.children(recursive=True)))) / _MEBI


def _share(process: psutil.Process) -> int:
    asked: tuple[Callable[[], int], ...] = (
        lambda: process.memory_full_info().pss,
        lambda: process.memory_info().rss,
    )
    for ask_for in asked:
        with suppress(psutil.Error, AttributeError):
            return ask_for()
    return 0


def _mapped(pid: int) -> list[str]:
    """Files of training libraries that a process has in its memory."""
    with suppress(psutil.Error, AttributeError):
        maps = psutil.Process(pid).memory_maps()
        return sorted({entry.path for entry in maps if any(part in entry.path for part in _HEAVY)})
    return []
