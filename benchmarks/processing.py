"""Processor time of processing with aspects and without, with logits of tokens and without."""

from benchmarks.context import Context
from benchmarks.figures import Report, Target
from benchmarks.processes import ROOT, run_child
from benchmarks.token_head import add_token_head, has_token_logits

_MODEL = ROOT / "models" / "default"
_REVIEWS = 1_000
_WITH_ASPECTS = Target(1.1, at_least=False)


def run(context: Context) -> list[Report]:
    """Score the same reviews with each model, with aspects and without in turns."""
    report = Report("Scoring reviews with aspects, mixed sentences and without, Amazon 2014")
    models = {"with token logits": _MODEL}
    trained = has_token_logits(_MODEL)
    if not trained:
        models = {
            "with token logits": add_token_head(_MODEL, context.scratch / "tokens"),
            "the shipped model, without": _MODEL,
        }
    for name, folder in models.items():
        task = {
            "model": str(folder),
            "dump": str(context.dumps.cellphones),
            "rows": min(context.rows or _REVIEWS, _REVIEWS),
            "rounds": context.rounds,
        }
        result = run_child("score", task)
        plain = report.add(f"{name}: sentiment and language", "ms", result["plain"])
        whole = report.add(f"{name}: the same and aspects", "ms", result["whole"])
        target = _WITH_ASPECTS if name == "with token logits" else None
        report.compare(f"{name}: with aspects ÷ without", whole, plain, target)
        report.notes.append(
            f"{name}: {result['reviews']:,} reviews, {result['mentions']:,} mentions."
        )
    report.notes.append("Milliseconds of a core per review; one thread, no database.")
    if not trained:
        report.notes.append(
            "The shipped model has no token logits: the first one is the same graph with a head of"
            " random weights, which takes about as long as a trained one."
        )
    return [report]
