"""Write the generated pages of docs/, or check that they are current.

    python scripts/docs/build.py [--check] [--root FOLDER]

The same code gives the same bytes, whatever the machine, its environment or the day.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from cli_page import cli_page
from openapi_page import openapi_document
from settings_page import settings_page

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli_page,
    "docs/reference/settings.md": settings_page,
    "docs/openapi.json": openapi_document,
}


def write(root: Path) -> None:
    """Write every page below a root folder."""
    for name, make in PAGES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(), encoding="utf-8", newline="\n")


def stale(root: Path) -> list[str]:
    """Names of the pages below a root folder that are missing or not what the code says."""
    return [name for name, make in PAGES.items() if _read(root / name) != make().encode()]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; returns the exit status, 1 where a page is stale."""
    parser = argparse.ArgumentParser(description="Write the generated pages of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="folder that holds docs/")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.root)
        return 0
    found = stale(options.root)
    for name in found:
        print(f"stale: {name}", file=sys.stderr)
    if found:
        print("These pages are generated and not current: run `make docs`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
