"""The generated pages are current, and the same on every machine."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
PAGES = ("docs/reference/cli.md", "docs/reference/settings.md", "docs/openapi.json")


def run(*arguments, **environment):
    """Run scripts/docs/build.py from another folder, without variables of Reviewlens or AWS."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("REVIEWLENS_", "AWS_"))}
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "docs" / "build.py"), *arguments],
        env=bare | environment,
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("written")
    done = run("--root", str(root))
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def tree(written, tmp_path):
    return shutil.copytree(written, tmp_path / "tree")


def test_the_pages_of_the_repository_are_current():
    done = run("--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_a_changed_page_fails_the_check_by_name(tree, page):
    with (tree / page).open("a", encoding="utf-8") as file:
        file.write("\n")
    done = run("--check", "--root", str(tree))
    assert done.returncode == 1
    assert f"stale: {page}\n" in done.stderr
    assert "make docs" in done.stderr
    assert [name for name in PAGES if f"stale: {name}\n" in done.stderr] == [page]


def test_a_missing_page_fails_the_check_and_nothing_is_written(tree):
    (tree / PAGES[0]).unlink()
    assert run("--check", "--root", str(tree)).returncode == 1
    assert not (tree / PAGES[0]).exists()


def test_a_placeholder_in_a_page_fails_the_check(tree):
    (tree / "docs" / "api.md").write_text("# The API\n\nSOME_ANSWER\n")
    done = run("--check", "--root", str(tree))
    assert (done.returncode, done.stderr) == (1, "placeholder: docs/api.md: SOME_ANSWER\n")


def test_pages_do_not_depend_on_terminal_or_environment(tree, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    done = run(
        *("--check", "--root", str(tree)),
        TMPDIR=str(tmp_path / "elsewhere"),
        HOME=str(tmp_path),
        COLUMNS="40",
        TERM="xterm-256color",
        FORCE_COLOR="1",
        PYTHONHASHSEED="7",
        REVIEWLENS_STATE="/somewhere/else",
        REVIEWLENS_LOG_LEVEL="DEBUG",
    )
    assert done.returncode == 0, done.stderr


def test_pages_contain_no_path_of_this_machine_and_no_colour(written):
    for page in PAGES:
        text = (written / page).read_text(encoding="utf-8")
        for place in (str(REPOSITORY), str(Path.home()) + "/", tempfile.gettempdir(), "\x1b"):
            assert place not in text, (page, place)
