"""Time of models of several shapes, in turns with the shipped one, and their Pareto line."""

import json
from pathlib import Path
from typing import NamedTuple

from benchmarks.context import Context
from benchmarks.figures import Figure, Report, Target
from benchmarks.processes import ROOT, run_child
from benchmarks.queries import QUERY_TOKENS

SHIPPED = "shipped"
_ONE_TEXT_MILLISECONDS = Target(5.5, at_least=False)


class Measured(NamedTuple):
    """A model: milliseconds of a text, and accuracy and macro-F1, means of the judged sets."""

    name: str
    milliseconds: float
    accuracy: float
    macro_f1: float


def run(context: Context) -> list[Report]:
    """Time all graphs below the folder of --models, and the shipped one."""
    folder = context.models
    if folder is None:
        raise SystemExit("shapes needs --models FOLDER")
    paths = {SHIPPED: ROOT / "models" / "default" / "model.onnx"}
    paths |= {path.parent.name: path for path in sorted(folder.glob("*/model.onnx"))}
    task = {
        "graphs": {name: str(path.resolve()) for name, path in paths.items()},
        "tokens": QUERY_TOKENS,
        "rounds": context.rounds,
        "passes": context.requests,
    }
    results = run_child("time_graphs", task)
    report = Report(f"Models of several shapes, texts of {QUERY_TOKENS} tokens")
    of_shipped: dict[str, Figure] = {}
    for name, values in results.items():
        label = f"{name} ({paths[name].stat().st_size / 1e6:.0f} MB)"
        goal = _ONE_TEXT_MILLISECONDS if name != SHIPPED else None
        alone = report.add(f"{label}: one text, p50", "ms", values["milliseconds"], goal)
        rate = report.add(f"{label}: batches of 8", "texts/s", values["rate"])
        if name == SHIPPED:
            of_shipped = {"alone": alone, "rate": rate}
        else:
            report.compare(f"{name} ÷ shipped, one text", alone, of_shipped["alone"])
            report.compare(f"{name} ÷ shipped, batches", rate, of_shipped["rate"])
    report.notes.append(
        f"One text on two threads, p50 of {context.requests} passes a round; batches with a pass "
        "of one thread on each core. All graphs are open in one process; each pass measures all."
    )
    judged = [
        Measured(name, milliseconds(report, name), *figures)
        for name, path in paths.items()
        if (figures := judged_figures(path.parent / "judge.json"))
    ]
    report.notes += pareto_notes(judged)
    return [report]


def milliseconds(report: Report, name: str) -> float:
    """The median time of one text of a model."""
    (figure,) = (x for x in report.figures if x.name.startswith(f"{name} (") and x.unit == "ms")
    return figure.median


def judged_figures(path: Path) -> tuple[float, float] | None:
    """Mean accuracy and macro-F1 over the sets in a file of ``distil judge``; None without it."""
    if not path.is_file():
        return None
    sets = [each["texts"] for each in json.loads(path.read_text()).values() if "texts" in each]
    accuracies, scores = ([each[name] for each in sets] for name in ("accuracy", "macro_f1"))
    return sum(accuracies) / len(sets), sum(scores) / len(sets)


def pareto_notes(judged: list[Measured]) -> list[str]:
    """One note for each judged model: whether another one is faster and at least as accurate."""
    notes = []
    for model in sorted(judged, key=lambda each: each.milliseconds):
        better = [
            other.name
            for other in judged
            if other.milliseconds < model.milliseconds and other.accuracy >= model.accuracy
        ]
        verdict = f"{', '.join(better)} faster and as accurate" if better else "on the Pareto line"
        notes.append(
            f"{model.name}: {model.milliseconds:.2f} ms, accuracy {model.accuracy:.3f}, "
            f"macro-F1 {model.macro_f1:.3f}: {verdict}"
        )
    return notes
