"""The generated pages are current, and the same on every machine."""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from runpy import run_path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = REPOSITORY / "scripts" / "docs" / "build.py"
PAGES = ("docs/reference/cli.md", "docs/reference/settings.md", "docs/openapi.json")


def run(*arguments, **environment):
    """Run scripts/docs/build.py from another folder, without variables of Reviewlens or AWS."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("REVIEWLENS_", "AWS_"))}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
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


@pytest.fixture
def check(written, monkeypatch, capsys):
    """``check(folder)``: exit status and errors of --check, with what was written once."""
    build = run_path(str(SCRIPT))
    pages = {page: partial((written / page).read_text, "utf-8") for page in build["PAGES"]}
    for name in list(build["PAGES"]):
        monkeypatch.setitem(build["PAGES"], name, pages[name])

    def check_folder(folder):
        status = build["main"](["--check", "--root", str(folder)])
        return status, capsys.readouterr().err

    return check_folder


def test_the_pages_of_the_repository_are_current(check):
    assert check(REPOSITORY) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_a_changed_page_fails_the_check_by_name(check, tree, page):
    with (tree / page).open("a", encoding="utf-8") as file:
        file.write("\n")
    status, errors = check(tree)
    assert status == 1
    assert f"stale: {page}\n" in errors
    assert "make docs" in errors
    assert [name for name in PAGES if f"stale: {name}\n" in errors] == [page]


def test_a_missing_page_fails_the_check_and_nothing_is_written(check, tree):
    (tree / PAGES[0]).unlink()
    assert check(tree)[0] == 1
    assert not (tree / PAGES[0]).exists()


def test_a_placeholder_in_a_page_fails_the_check(check, tree):
    (tree / "docs" / "api.md").write_text("# The API\n\nSOME_ANSWER\n")
    assert check(tree) == (1, "placeholder: docs/api.md: SOME_ANSWER\n")


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
