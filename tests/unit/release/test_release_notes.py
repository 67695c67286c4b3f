"""The notes of a release: the part of the changelog with its version."""

from pathlib import Path
from runpy import run_path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CHANGELOG = """# Changelog

## Unreleased

- Not yet.

## 1.2.0 (2026-12-01)

- One thing,
  on two lines.

## 1.1.0

- Before.

## 1.0.0
"""


@pytest.fixture
def notes(tmp_path, capsys):
    """``notes(tag, version)``: exit status, output and errors of the script."""
    main = run_path(str(ROOT / "scripts/release/release_notes.py"))["main"]

    def call(tag, version):
        (tmp_path / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
        (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
        status = main([tag, "--root", str(tmp_path)])
        return status, *capsys.readouterr()

    return call


def test_the_notes_are_the_part_of_the_version(notes):
    assert notes("v1.2.0", "1.2.0") == (0, "- One thing,\n  on two lines.\n", "")
    assert notes("v1.1.0", "1.1.0") == (0, "- Before.\n", "")


@pytest.mark.parametrize(
    ("tag", "version", "message"),
    [
        ("v1.2.1", "1.2.0", "the tag is v1.2.1, but pyproject.toml has the version 1.2.0"),
        ("1.2.0", "1.2.0", "the tag is 1.2.0"),
        ("v1.2", "1.2", 'has no part "## 1.2"'),
        ("v1.0.0", "1.0.0", "or it is empty"),
        ("v9", "9", 'has no part "## 9"'),
    ],
)
def test_a_release_that_is_not_ready_is_refused(notes, tag, version, message):
    status, output, errors = notes(tag, version)
    assert (status, output) == (1, "")
    assert message in errors
