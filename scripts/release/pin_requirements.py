"""Write lambdas/<function>/requirements.txt: every wheel that a function needs, with its hashes.

    python scripts/release/pin_requirements.py [FUNCTION …]

What a function imports is read from its sources, versions from constraints.txt, and pip says what
those need in turn, for Lambda's Python on x86_64 and arm64. Needs the network.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.packaging.bundles import PYTHON, platforms
from cdk.packaging.import_graph import reached
from cdk.packaging.table import ASSETS, handler_of
from cdk.paths import ROOT

LEFT_OUT = frozenset({"huggingface-hub"})
"""tokenizers asks for it to fetch tokenizers by their name; ours are files."""
EXTRAS = {"psycopg": {"binary"}}
"""Extras that are wanted and that no import shows."""
MACHINES = ("x86_64", "aarch64")
_MARKERS = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; returns the exit status."""
    parser = argparse.ArgumentParser(description="Pin what each function needs.")
    parser.add_argument("functions", nargs="*", choices=[[], *ASSETS], metavar="FUNCTION")
    for name in parser.parse_args(arguments).functions or ASSETS:
        wanted = direct(name)
        path = ROOT / "lambdas" / name / "requirements.txt"
        path.write_text(page(wanted, [report(wanted, machine) for machine in MACHINES]))
        print(path.relative_to(ROOT))
    return 0


def direct(name: str) -> list[str]:
    """Names of the distributions whose modules a function imports."""
    known = packages_distributions()
    others = reached([handler_of(name).rpartition(".")[0]]).others
    return sorted({canonicalize_name(known[other][0]) for other in others})


def report(wanted: Iterable[str], machine: str) -> dict[str, dict[str, Any]]:
    """What pip would install for a machine: name → entry of pip's report."""
    lines = [f"{name}[{','.join(EXTRAS[name])}]" if name in EXTRAS else name for name in wanted]
    tags = [part for tag in platforms(machine) for part in ("--platform", tag)]
    with tempfile.TemporaryDirectory() as place:
        told = Path(place) / "report.json"
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--dry-run", "--ignore-installed", "--report", str(told), "--target", place),
            *("--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp", *tags),
            *("--constraint", str(ROOT / "constraints.txt"), *lines),
        ]
        subprocess.run(command, check=True)
        found = json.loads(told.read_text())["install"]
    return {canonicalize_name(entry["metadata"]["name"]): entry for entry in found}


def page(wanted: Sequence[str], reports: Sequence[dict[str, dict[str, Any]]]) -> str:
    """The file: a line for each distribution that is needed, with the hash for each machine."""
    lines = []
    for name in sorted(needed(wanted, reports[0])):
        entries = [found[name] for found in reports]
        pinned = f"{name}=={entries[0]['metadata']['version']}"
        hashes = {entry["download_info"]["archive_info"]["hashes"]["sha256"] for entry in entries}
        lines.append(" ".join([pinned, *(f"--hash=sha256:{value}" for value in sorted(hashes))]))
    head = [
        "# Written by scripts/release/pin_requirements.py: wheels for x86_64 and arm64.",
        f"# Imported: {', '.join(wanted)}.",
    ]
    return "\n".join([*head, *lines]) + "\n"


def needed(wanted: Sequence[str], found: dict[str, dict[str, Any]]) -> set[str]:
    """Those of a report that are needed, without what is left out and what only that needs."""
    seen: set[str] = set()
    waiting = [(name, EXTRAS.get(name, set())) for name in wanted]
    while waiting:
        name, extras = waiting.pop()
        if name in LEFT_OUT or (name in seen and not extras):
            continue
        seen.add(name)
        for told in found[name]["metadata"].get("requires_dist", []):
            asked = Requirement(told)
            markers = [{**_MARKERS, "extra": extra} for extra in ("", *extras)]
            if asked.marker is None or any(asked.marker.evaluate(one) for one in markers):
                waiting.append((canonicalize_name(asked.name), asked.extras))
    return seen


if __name__ == "__main__":
    sys.exit(main())
