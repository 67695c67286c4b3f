"""``reviewlens migrate`` on a stopped folder."""

import pytest
from typer.testing import CliRunner

from local.cli.main import application
from local.state import FolderLock, StateFolder
from shared.db.migrations import head_revision


@pytest.fixture
def run(shared_path, monkeypatch):
    monkeypatch.setenv("REVIEWLENS_STATE", str(shared_path / "state"))

    def invoke(*arguments, expect=0):
        result = CliRunner().invoke(application, ["migrate", *arguments])
        assert result.exit_code == expect, result.output
        return result.output

    return invoke


def test_a_folder_is_migrated_down_and_up(run, shared_path):
    assert "is not a Reviewlens state folder" in run(expect=2)
    StateFolder(shared_path / "state").create()
    assert f"at revision {head_revision()}" in run()
    assert "must be one of base, 0001" in run("--down", "9999", expect=2)
    output = run("--down", "0004")
    assert "at revision 0004" in output
    assert "Start the earlier release now" in output
    assert f"at revision {head_revision()}" in run()


def test_a_running_stack_is_not_migrated(run, shared_path):
    state = StateFolder(shared_path / "state")
    state.create()
    with FolderLock(state.root):
        assert "already running" in run("--down", "0004", expect=2)
