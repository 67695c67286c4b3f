"""docs/architecture.md names every folder at the top of the repository and every route."""

import json
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def page():
    return (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")


def test_every_top_level_folder_is_in_the_table_of_folders(page):
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    folders = {name.split("/")[0] for name in tracked.stdout.splitlines() if "/" in name}
    listed = re.findall(r"^\| `([^`]+)/` \|", page, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert {name for name in listed if "/" not in name} == folders


def test_every_route_is_in_the_table_of_routes_once(page):
    document = json.loads((REPOSITORY / "docs/openapi.json").read_text(encoding="utf-8"))
    routes = sorted(
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    )
    section = page.partition("\n## Routes\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert sorted(re.findall(r"`([A-Z]+ /[^`]*)`", "\n".join(rows))) == routes
