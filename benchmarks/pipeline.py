"""The whole pipeline: from the upload of a dump until its reviews can be searched."""

from benchmarks import stacks
from benchmarks.context import Context
from benchmarks.dumps import encoder_texts
from benchmarks.figures import Report
from benchmarks.processes import ROOT, run_child
from benchmarks.uploads import IngestTiming, ingest


def run(context: Context) -> list[Report]:
    """Measure a new stack in each round, and then the encoder alone on the same texts."""
    report = Report("Whole pipeline: upload to searchable, Amazon 2014 JSON lines")
    path = context.dumps.cellphones
    texts = encoder_texts(path)
    timings: list[IngestTiming] = []
    alone: list[float] = []
    for number in range(context.rounds):
        with stacks.whole_stack(context.scratch / f"pipeline-{number}") as client:
            timings.append(ingest(client, path))
        task = {"texts": texts, "model": str(ROOT / "models" / "default")}
        alone.append(len(texts) / run_child("encode", task)["seconds"])
    rates = [each.read / each.searchable for each in timings]
    whole = report.add("upload to searchable", "rows/s", rates)
    report.add("upload to searchable", "s", [each.searchable for each in timings])
    report.add("… of it until collected", "s", [each.collected for each in timings])
    report.add("… of it until encoded and analysed", "s", [each.processed for each in timings])
    waits = [each.searchable - each.processed for each in timings]
    report.add("… of it index build and swap", "s", waits)
    encoder = report.add("encoder alone over the same texts, in process", "texts/s", alone)
    report.compare("encoder alone ÷ upload to searchable", encoder, whole)
    last = timings[-1]
    report.notes.append(
        f"{last.read:,} rows read, {last.stored:,} reviews stored; a new stack each round. Times "
        "are polled every 0.2 s, and servers look at the index pointer every 5 s."
    )
    return [report]
