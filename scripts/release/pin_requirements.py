"""Write lambdas/<function>/requirements.txt: every wheel that a function needs, with its hashes.

    python scripts/release/pin_requirements.py [FUNCTION …]

Imports are read from the sources of a function and versions from constraints.txt; pip resolves the
dependencies for Lambda's Python on x86_64 and arm64. Needs the network.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.packaging.bundles import PYTHON, platforms
from cdk.packaging.import_graph import follow_imports
from cdk.packaging.table import ASSETS, handler_of
from cdk.paths import ROOT
from scripts.pinning import applies, distributions_of

EXCLUDED = frozenset({"huggingface-hub"})
"""tokenizers needs it only to download tokenizers by name; ours are files."""
EXTRAS = {"psycopg": {"binary"}}
"""Required extras, which are not visible in imports."""
MACHINES = ("x86_64", "aarch64")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; returns the exit status."""
    parser = argparse.ArgumentParser(description="Pin the requirements of each function.")
    parser.add_argument("functions", nargs="*", choices=[[], *ASSETS], metavar="FUNCTION")
    for name in parser.parse_args(arguments).functions or ASSETS:
        imported = imported_distributions(name)
        path = ROOT / "lambdas" / name / "requirements.txt"
        reports = [resolve(imported, machine) for machine in MACHINES]
        path.write_text(requirements_text(imported, reports))
        print(path.relative_to(ROOT))
    return 0


def imported_distributions(name: str) -> list[str]:
    """Names of the distributions that a function imports."""
    handler = handler_of(name).rpartition(".")[0]
    return sorted(distributions_of(follow_imports([handler]).third_party))


def resolve(names: Iterable[str], machine: str) -> dict[str, dict[str, Any]]:
    """The distributions that pip would install for a machine: name → entry of pip's report."""
    lines = [f"{name}[{','.join(EXTRAS[name])}]" if name in EXTRAS else name for name in names]
    tags = [part for tag in platforms(machine) for part in ("--platform", tag)]
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.json"
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--dry-run", "--ignore-installed", "--report", str(report), "--target", temporary),
            *("--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp", *tags),
            *("--constraint", str(ROOT / "constraints.txt"), *lines),
        ]
        subprocess.run(command, check=True)
        entries = json.loads(report.read_text())["install"]
    return {canonicalize_name(entry["metadata"]["name"]): entry for entry in entries}


def requirements_text(imported: Sequence[str], reports: Sequence[dict[str, dict[str, Any]]]) -> str:
    """The file: a line for each required distribution, with a hash for each machine."""
    lines = []
    for name in sorted(required_names(imported, reports[0])):
        entries = [report[name] for report in reports]
        pinned = f"{name}=={entries[0]['metadata']['version']}"
        hashes = {entry["download_info"]["archive_info"]["hashes"]["sha256"] for entry in entries}
        lines.append(" ".join([pinned, *(f"--hash=sha256:{value}" for value in sorted(hashes))]))
    head = [
        "# Written by scripts/release/pin_requirements.py: wheels for x86_64 and arm64.",
        f"# Imported: {', '.join(imported)}.",
    ]
    return "\n".join([*head, *lines]) + "\n"


def required_names(imported: Sequence[str], report: dict[str, dict[str, Any]]) -> set[str]:
    """The required distributions of a report, without excluded ones and their dependencies."""
    required: set[str] = set()
    pending = [(name, EXTRAS.get(name, set())) for name in imported]
    while pending:
        name, extras = pending.pop()
        if name in EXCLUDED or (name in required and not extras):
            continue
        required.add(name)
        for line in report[name]["metadata"].get("requires_dist", []):
            requirement = Requirement(line)
            if any(applies(requirement, extra, python=PYTHON) for extra in ("", *extras)):
                pending.append((canonicalize_name(requirement.name), requirement.extras))
    return required


if __name__ == "__main__":
    sys.exit(main())
