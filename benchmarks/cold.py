"""Cold start of a process: imports, artefacts, first response."""

import shutil

from benchmarks.context import Context
from benchmarks.figures import Report, Target
from benchmarks.lambda_process import MODEL, first_answer, plain_answer
from benchmarks.queries import QUERY_TOKENS, cut_queries
from benchmarks.stacks import index_count

_FIRST_ANSWER_SECONDS = Target(2.0, at_least=False)


def run(context: Context) -> list[Report]:
    """Measure an empty cache, a filled cache and a minimal program in turn."""
    stack = context.indexed
    text = cut_queries(context.texts, MODEL / "tokenizer.json", 1)[0]
    cache = context.scratch / "cold-cache"
    empty, filled, plain = [], [], []
    for _ in range(context.rounds):
        shutil.rmtree(cache, ignore_errors=True)
        empty.append(first_answer(stack, cache, text))
        filled.append(first_answer(stack, cache, text))
        plain.append(plain_answer(text))
    report = Report(f"Cold start of the inference function, one query of {QUERY_TOKENS} tokens")
    report.add("Python starts", "s", [each["running"] for each in filled])
    report.add("handler imported", "s", [each["imported"] for each in filled])
    report.add(
        "first answer, nothing cached",
        "s",
        [each["seconds"] for each in empty],
        _FIRST_ANSWER_SECONDS,
    )
    ours = report.add(
        "first answer, artefacts cached",
        "s",
        [each["seconds"] for each in filled],
        _FIRST_ANSWER_SECONDS,
    )
    report.add("second answer", "ms", [each["second_ms"] for each in filled])
    peer = report.add(
        "plain onnxruntime and tokenizers, one pass", "s", [each["seconds"] for each in plain]
    )
    report.compare("first answer, artefacts cached ÷ plain onnxruntime", ours, peer)
    heavy = sorted({name for each in (*empty, *filled) for name in each["heavy"]})
    report.notes.append(
        "Wall clock from the start of the process, through the Lambda handler and a REST API "
        f"event, to an answer from {index_count(stack):,} indexed reviews; the operating system "
        "has the files in memory."
    )
    report.notes.append(f"Training libraries in the process: {', '.join(heavy) or 'none'}.")
    return [report]
