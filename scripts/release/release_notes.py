"""Print the notes of a release: the part of CHANGELOG.md with its version.

    python scripts/release/release_notes.py TAG

TAG is v and the version of pyproject.toml. Exit status 1 if they differ, or if CHANGELOG.md has no
part for that version.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NotReadyError(Exception):
    """The repository is not ready for this release."""


def notes(tag: str, root: Path) -> str:
    """The notes of a release.

    Raises:
        NotReadyError: the tag is not that of the version, or its part of the changelog is missing.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    version = project["version"]
    if tag != f"v{version}":
        raise NotReadyError(f"the tag is {tag}, but pyproject.toml has the version {version}")
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    heading = rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)"
    found = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise NotReadyError(f'CHANGELOG.md has no part "## {version}", or it is empty')
    return found[1].strip() + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the notes; returns the exit status."""
    parser = argparse.ArgumentParser(description="Print the notes of a release.")
    parser.add_argument("tag", help="the tag, such as v1.2.0")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the repository")
    options = parser.parse_args(arguments)
    try:
        print(notes(options.tag, options.root), end="")
    except NotReadyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
