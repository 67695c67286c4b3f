"""Runs benchmarks and prints Markdown: ``python -m benchmarks [PART…] [--data FOLDER]``."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    aspect_queries,
    cascade,
    cold,
    collection,
    imports,
    insights,
    local_aws,
    machine,
    memory,
    pipeline,
    processing,
    serving,
    shapes,
    versions,
)
from benchmarks.context import Context
from benchmarks.figures import Report

# The parts that need a stack with an index come last, because it runs until the end.
PARTS: dict[str, Callable[[Context], list[Report]]] = {
    "reading": versions.run,
    "local_aws": local_aws.run,
    "collection": collection.run,
    "pipeline": pipeline.run,
    "processing": processing.run,
    "insights": insights.run,
    "aspects": aspect_queries.run,
    "shapes": shapes.run,
    "cascade": cascade.run,
    "imports": imports.run,
    "serving": serving.run,
    "cold": cold.run,
    "memory": memory.run,
}
_COMPARISONS = "against", "COMMIT, such as --against HEAD~10"
_MODELS = "models", "FOLDER with a folder for each model"
_ADDED = "added", "MODULES, such as --added json,email"
_LABELLED = "labelled", "FILE and --models FOLDER with the folders default and accurate"
_NEEDED = {
    "reading": _COMPARISONS,
    "local_aws": _COMPARISONS,
    "shapes": _MODELS,
    "cascade": _LABELLED,
    "imports": _ADDED,
}
"""The option that a part needs; without it, it is left out of all parts."""
_WITHOUT_DUMPS = {"shapes", "cascade", "imports"}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (all)")
    parser.add_argument(
        "--data", type=Path, help="folder of public data sets (default: generated ones)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, help="limit the dumps and the index to this many rows")
    parser.add_argument(
        "--requests", type=int, default=500, help="requests per round with one client"
    )
    parser.add_argument(
        "--large", type=int, default=1024, metavar="MIB", help="size of the large dump; 0 skips it"
    )
    parser.add_argument(
        "--state", type=Path, help="state folder with the index, reused by later runs"
    )
    parser.add_argument("--against", metavar="COMMIT", help="the earlier version to compare with")
    parser.add_argument(
        "--models", type=Path, metavar="FOLDER", help="folder with a folder for each model"
    )
    parser.add_argument(
        "--labelled", type=Path, metavar="FILE", help="Parquet file with text and sentiment"
    )
    parser.add_argument("--added", metavar="MODULES", help="modules to import, separated by commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the values of every round")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the selected parts; returns the exit status."""
    options = build_parser().parse_args(arguments)
    _check(options)
    reports: dict[str, list[Report]] = {}
    environment = machine.describe()
    with tempfile.TemporaryDirectory(prefix="reviewlens-bench-") as scratch:
        context = Context(
            data=options.data,
            rounds=options.rounds,
            rows=options.rows,
            requests=options.requests,
            large_mib=options.large,
            state=options.state,
            scratch=Path(scratch),
            against=options.against or "",
            models=options.models,
            labelled=options.labelled,
            added=options.added or "",
        )
        if set(_selected(options)) - _WITHOUT_DUMPS:
            environment["data"] = context.dumps.source
        with context.cleanup:
            for name in _selected(options):
                sys.stderr.write(f"{name} …\n")
                reports[name] = PARTS[name](context)
    _print(environment, reports)
    if options.json:
        values = {name: [each.as_dict() for each in results] for name, results in reports.items()}
        options.json.write_text(
            json.dumps({"machine": environment, "parts": values}, indent=1) + "\n"
        )
    return 0


def _check(options: argparse.Namespace) -> None:
    """End with a message if options do not fit."""
    if unknown := set(options.parts) - set(PARTS):
        build_parser().error(f"unknown part: {', '.join(sorted(unknown))}")
    if options.rounds < 1 or options.requests < 1:
        build_parser().error("--rounds and --requests must be at least 1")
    for part in options.parts:
        option, value = _NEEDED.get(part, ("parts", ""))
        if not getattr(options, option):
            build_parser().error(f"{part} needs --{option} {value}")


def _selected(options: argparse.Namespace) -> list[str]:
    """The named parts, or all whose needed option is given."""
    given = {name for name in PARTS if getattr(options, _NEEDED.get(name, ("rounds", ""))[0])}
    parts = options.parts or given
    return [name for name in PARTS if name in parts]


def _print(environment: dict[str, str], reports: dict[str, list[Report]]) -> None:
    print("\n".join(f"- {name}: {value}" for name, value in environment.items()))
    for results in reports.values():
        for report in results:
            print(f"\n{report.markdown()}")


if __name__ == "__main__":
    sys.exit(main())
