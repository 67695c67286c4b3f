"""Processor time of a cold import: each function alone, and with the modules of a library."""

from benchmarks.context import Context
from benchmarks.figures import Report
from benchmarks.processes import run_child

_FUNCTIONS = ("collection", "inference", "image_fetch")
"""The worker with most of its own code, the one with the model, and the smallest one."""


def run(context: Context) -> list[Report]:
    """Import in a new process each, in turns."""
    added = context.added.split(",")
    report = Report(f"Cold import with {', '.join(added)}")
    for name in _FUNCTIONS:
        handler = f"lambdas.{name}.handler"
        _seconds([handler, *added])  # compiles and reads the files once
        alone, together = [], []
        for _ in range(context.rounds):
            alone.append(_seconds([handler]))
            together.append(_seconds([handler, *added]))
        before = report.add(f"{name} alone", "s", alone)
        after = report.add(f"{name} with them", "s", together)
        report.compare(f"{name}: with them ÷ alone", after, before)
    report.notes.append("Processor time, from the start of Python; files are in memory.")
    return [report]


def _seconds(modules: list[str]) -> float:
    seconds: float = run_child("import_modules", modules)["seconds"]
    return seconds
