"""Look up known vulnerabilities of every pinned version.

    python scripts/release/audit.py [FILE …] [--pip-audit PROGRAM]

By default FILE is constraints.txt and constraints-train.txt. The exit status is 0 if all versions
were checked and none is vulnerable, 1 if one is, 2 if pip-audit itself fails, and 3 if versions
could not be checked, because the service cannot be reached or does not know them.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FILES = ("constraints.txt", "constraints-train.txt")
CLEAN, VULNERABLE, FAILED, NOT_CHECKED = 0, 1, 2, 3
_UNREACHABLE = re.compile(
    r"vulnerability feed|not redirecting properly|ServiceError|requests\.exceptions|HTTPError"
    r"|ConnectionError|Max retries exceeded"
)
"""In the messages and tracebacks that pip-audit writes if its service does not answer."""
_MAX_LISTED = 10


@dataclass(frozen=True)
class Audit:
    """The result for one file: a status, and the lines to print."""

    status: int
    lines: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit the files; returns the exit status of the worst result."""
    parser = argparse.ArgumentParser(description="Look up known vulnerabilities.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    program = str(Path(sys.executable).with_name("pip-audit"))
    parser.add_argument("--pip-audit", default=program, metavar="PROGRAM")
    options = parser.parse_args(arguments)
    statuses = set()
    for path in options.files or [ROOT / name for name in DEFAULT_FILES]:
        result = audit(options.pip_audit, path)
        print("\n".join(f"{path.name}: {line}" for line in result.lines))
        statuses.add(result.status)
    return next(x for x in (VULNERABLE, FAILED, NOT_CHECKED, CLEAN) if x in statuses)


def audit(program: str, path: Path) -> Audit:
    """Run pip-audit on a file of pinned versions."""
    command = [
        *(program, "--requirement", str(path), "--no-deps", "--disable-pip"),
        *("--format", "json", "--desc", "off", "--progress-spinner", "off"),
    ]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return Audit(FAILED, [f"{program} cannot be run: {error.strerror}"])
    try:
        dependencies = json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _without_report(run.stderr)
    return _with_report(dependencies)


def _without_report(messages: str) -> Audit:
    if _UNREACHABLE.search(messages):
        return Audit(NOT_CHECKED, ["not checked: the vulnerability service cannot be reached"])
    last = messages.strip().splitlines()[-1:] or ["no message"]
    return Audit(FAILED, [f"pip-audit failed: {last[0]}"])


def _with_report(dependencies: list[dict[str, Any]]) -> Audit:
    lines = []
    for entry in dependencies:
        for found in entry.get("vulns") or ():
            fixed = ", ".join(found["fix_versions"]) or "no version"
            lines.append(f"{entry['name']} {entry['version']}: {found['id']}, fixed in {fixed}")
    skipped = [str(entry["name"]) for entry in dependencies if "skip_reason" in entry]
    status = VULNERABLE if lines else CLEAN
    if skipped:
        listed = ", ".join(skipped[:_MAX_LISTED]) + (" …" if len(skipped) > _MAX_LISTED else "")
        lines.append(
            f"not checked: the vulnerability service does not know {len(skipped)} of"
            f" {len(dependencies)} packages ({listed})"
        )
        status = status or NOT_CHECKED
    return Audit(status, lines or [f"no known vulnerabilities in {len(dependencies)} packages"])


if __name__ == "__main__":
    sys.exit(main())
