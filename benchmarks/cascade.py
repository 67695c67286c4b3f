"""Coverage, gain and cost of a cascade: a fast model, and an accurate one where it is not sure."""

from typing import Any

from benchmarks.context import Context
from benchmarks.figures import Report
from benchmarks.processes import run_child


def run(context: Context) -> list[Report]:
    """Answer the texts of --labelled with --models/default, --models/accurate, and both."""
    if context.models is None or context.labelled is None:
        raise SystemExit("cascade needs --models FOLDER and --labelled FILE")
    task = {
        "fast": str((context.models / "default").resolve()),
        "accurate": str((context.models / "accurate").resolve()),
        "labelled": str(context.labelled.resolve()),
        "rows": context.rows,
        "rounds": context.rounds,
    }
    result = run_child("run_cascade", task)
    report = Report(f"Cascade on {result['texts']:,} texts of {context.labelled.name}")
    rates = {
        name: report.add(f"{name} model", "texts/s", [result["texts"] / each for each in seconds])
        for name, seconds in result["seconds"].items()
    }
    for name in ("accurate", "cascade"):
        report.compare(f"time, {name} ÷ fast", rates["fast"], rates[name])
    fast, accurate = result["fast"], result["accurate"]
    cascade = result["cascade"]
    report.add("answered by the fast model", "%", [100 * cascade["by_fast"]])
    for figure, name in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
        report.add(f"{name}, fast", "%", [100 * fast[figure]])
        report.add(f"{name}, accurate", "%", [100 * accurate[figure]])
        report.add(f"{name}, cascade", "%", [100 * cascade[figure]])
        report.add(f"{name}, gain", "points", [100 * (cascade[figure] - fast[figure])])
    report.notes.append(
        "The cascade asks the accurate model where the rules of the fast one say that it is not "
        "sure. All three answer the same texts in one process, in turns, a pass of one thread on "
        "each core."
    )
    report.notes += [_note(below, each) for below, each in result["thresholds"].items()]
    return [report]


def _note(below: str, each: dict[str, Any]) -> str:
    return (
        f"asked below {below}: {each['by_fast']:.1%} answered by the fast model, accuracy "
        f"{each['accuracy']:.3f}, macro-F1 {each['macro_f1']:.3f}"
    )
