"""Measures and prints Markdown: ``python -m benchmarks [PART…] [--data FOLDER]``."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    aspect_queries,
    cold,
    collection,
    insights,
    machine,
    memory,
    pipeline,
    serving,
)
from benchmarks.context import Context
from benchmarks.figures import Report

# Those that need a stack with an index come last: it stays up until the end.
PARTS: dict[str, Callable[[Context], list[Report]]] = {
    "collection": collection.run,
    "pipeline": pipeline.run,
    "insights": insights.run,
    "aspects": aspect_queries.run,
    "serving": serving.run,
    "cold": cold.run,
    "memory": memory.run,
}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all)")
    made.add_argument("--data", type=Path, help="folder of public data sets; else invented ones")
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--rows", type=int, help="cut the dumps and the index to so many rows")
    made.add_argument("--requests", type=int, default=500, help="a round at one client")
    made.add_argument("--large", type=int, default=1024, metavar="MIB", help="0 leaves it out")
    made.add_argument("--state", type=Path, help="state folder with the index, kept for next time")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every round's values")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for; returns the exit status."""
    options = parser().parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown or options.rounds < 1 or options.requests < 1:
        told = f"no such part: {', '.join(sorted(unknown))}" if unknown else "at least 1, please"
        parser().error(told)
    reports: dict[str, list[Report]] = {}
    facts = machine.facts()
    with tempfile.TemporaryDirectory(prefix="reviewlens-bench-") as scratch:
        context = Context(
            data=options.data,
            rounds=options.rounds,
            rows=options.rows,
            requests=options.requests,
            large_mib=options.large,
            state=options.state,
            scratch=Path(scratch),
        )
        facts["data"] = context.dumps.source
        with context.cleanup:
            for name in (part for part in PARTS if part in (options.parts or PARTS)):
                sys.stderr.write(f"{name} …\n")
                reports[name] = PARTS[name](context)
    _print(facts, reports)
    if options.json:
        values = {name: [each.as_dict() for each in found] for name, found in reports.items()}
        options.json.write_text(json.dumps({"machine": facts, "parts": values}, indent=1) + "\n")
    return 0


def _print(facts: dict[str, str], reports: dict[str, list[Report]]) -> None:
    print("\n".join(f"- {name}: {fact}" for name, fact in facts.items()))
    for found in reports.values():
        for report in found:
            print(f"\n{report.markdown()}")


if __name__ == "__main__":
    sys.exit(main())
