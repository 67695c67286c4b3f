"""Write the generated files of docs/ and deploy/ and the examples of the API, or check them.

    python scripts/docs/build.py [--check] [--root FOLDER]

The output depends only on the code, not on the machine, its environment or the date.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from cli_page import cli_page
from event_schema import event_schema
from examples_page import examples_file
from formats_page import formats_page
from licences_page import licences_page
from openapi_page import openapi_document
from pod_files import (
    cloud_run_api,
    cloud_run_page,
    cloud_run_prepare,
    cloud_run_worker,
    pod_proxy,
)
from services_file import compose_file, services_file
from settings_page import settings_page

from cdk.paths import ROOT

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli_page,
    "docs/reference/settings.md": settings_page,
    "docs/reference/licences.md": licences_page,
    "docs/reference/ingest_finished.json": event_schema,
    "local/stack/examples.json": examples_file,
    "docs/openapi.json": openapi_document,
    "docs/formats.md": formats_page,
    "deploy/services.json": services_file,
    "deploy/helm/reviewlens/files/services.json": services_file,
    "deploy/pod/nginx.conf": pod_proxy,
    "deploy/cloudrun/service-api.yaml": cloud_run_api,
    "deploy/cloudrun/service-page.yaml": cloud_run_page,
    "deploy/cloudrun/service-worker.yaml": cloud_run_worker,
    "deploy/cloudrun/job-prepare.yaml": cloud_run_prepare,
    **{
        f"deploy/helm/reviewlens/files/{name}": partial(compose_file, name)
        for name in ("access.conf", "keys.conf", "nginx.conf")
    },
}
_PLACEHOLDER = re.compile(r"^[A-Z][A-Z0-9_]+$", re.MULTILINE)


def write(root: Path) -> None:
    """Write every page under a root folder."""
    for name, make in PAGES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(), encoding="utf-8", newline="\n")


def stale_pages(root: Path) -> list[str]:
    """Names of the pages under a root folder that are missing or outdated."""
    return [name for name, make in PAGES.items() if _read(root / name) != make().encode()]


def placeholders(root: Path) -> list[str]:
    """Lines of pages under a root folder that are one upper-case word, as ``page: WORD``."""
    return [
        f"{page.relative_to(root)}: {word}"
        for page in sorted((root / "docs").rglob("*.md"))
        for word in _PLACEHOLDER.findall(page.read_text("utf-8"))
    ]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; returns the exit status, 1 if a page is stale or has a placeholder."""
    parser = argparse.ArgumentParser(description="Write the generated pages of docs/.")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing, fail if a page is stale or has a placeholder",
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="folder that contains docs/")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.root)
        return 0
    stale = stale_pages(options.root)
    for name in stale:
        print(f"stale: {name}", file=sys.stderr)
    if stale:
        print("These generated pages are not current: run `make docs`.", file=sys.stderr)
    unfilled = placeholders(options.root)
    for place in unfilled:
        print(f"placeholder: {place}", file=sys.stderr)
    return 1 if stale or unfilled else 0


if __name__ == "__main__":
    sys.exit(main())
