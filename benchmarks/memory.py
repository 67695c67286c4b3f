"""Resident memory of the inference function and of the processes of the local stack."""

from collections.abc import Callable
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

from benchmarks.context import Context
from benchmarks.figures import Report
from benchmarks.lambda_process import MODEL, first_answer, plain_answer
from benchmarks.processes import run_child
from benchmarks.queries import cut_queries
from benchmarks.stacks import index_count

_MEBI = 2**20
_MORE_REQUESTS = 200
_TRAINING_LIBRARIES = ("/torch/", "/transformers/")


def run(context: Context) -> list[Report]:
    stack = context.indexed
    running = stack.running
    queries = cut_queries(context.texts, MODEL / "tokenizer.json", 64)
    bodies = [{"query_text": text} for text in queries]
    load = {"port": running.gateway, "path": "/analyze", "clients": 16, "bodies": bodies}
    answers, plain = [], []
    served: dict[str, list[float]] = {}
    for _ in range(context.rounds):
        run_child("load", {**load, "requests": context.requests, "warm": 16})
        for name, pid in {**running.children, "command and AWS": running.pid}.items():
            measure = _tree_memory if name == "postgres" else _process_memory
            served.setdefault(name, []).append(measure(pid))
        answers.append(
            first_answer(stack, context.indexed_folder.cache, queries[0], more=_MORE_REQUESTS)
        )
        plain.append(plain_answer(queries[0]))
    report = Report("Resident memory")
    first = report.add(
        "inference function after its first answer", "MiB", _values(answers, "resident_mib")
    )
    report.add(
        f"… after {_MORE_REQUESTS} more answers", "MiB", _values(answers, "resident_later_mib")
    )
    peer = report.add("plain onnxruntime after one pass", "MiB", _values(plain, "resident_mib"))
    report.compare("inference function ÷ plain onnxruntime", first, peer)
    for name, values in served.items():
        report.add(f"local stack: {name}", "MiB", values)
    mapped = _mapped_training_libraries(running.children["gateway"])
    report.notes.append(
        f"{index_count(stack):,} reviews indexed; the gateway under load from 16 clients just "
        "before. The worker keeps what it has loaded for its work since the start. postgres is the "
        "proportional set size of all its processes, the others are resident memory."
    )
    names = ", ".join(mapped) or "none"
    report.notes.append(f"Training libraries that the gateway has mapped: {names}.")
    return [report]


def _values(answers: list[dict[str, float]], name: str) -> list[float]:
    return [each[name] for each in answers]


def _process_memory(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss / _MEBI)


def _tree_memory(pid: int) -> float:
    """Memory of a process and its children; shared pages count once, if the system supports it."""
    root = psutil.Process(pid)
    return sum(map(_proportional_memory, (root, *root.children(recursive=True)))) / _MEBI


def _proportional_memory(process: psutil.Process) -> int:
    readers: tuple[Callable[[], int], ...] = (
        lambda: process.memory_full_info().pss,
        lambda: process.memory_info().rss,
    )
    for read in readers:
        with suppress(psutil.Error, AttributeError):
            return read()
    return 0


def _mapped_training_libraries(pid: int) -> list[str]:
    """Files of training libraries that a process has mapped."""
    with suppress(psutil.Error, AttributeError):
        maps = psutil.Process(pid).memory_maps()
        return sorted(
            {
                entry.path
                for entry in maps
                if any(part in entry.path for part in _TRAINING_LIBRARIES)
            }
        )
    return []
