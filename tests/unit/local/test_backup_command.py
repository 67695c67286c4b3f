"""What ``reviewlens backup`` says is not in the backup."""

import os

import pytest
from typer.testing import CliRunner

from local.backup import write
from local.backup.contents import FORMAT, Manifest
from local.cli.main import application
from local.state import StateFolder


@pytest.fixture
def state(tmp_path, monkeypatch):
    """A state folder whose backup is complete at once."""
    monkeypatch.setattr(os, "umask", lambda _mask: 0)
    manifest = Manifest(
        format=FORMAT,
        release="1",
        created_at="",
        revision="",
        files={},
        objects=0,
        object_bytes=0,
        counts={},
        searches=[],
        left_out=[],
    )
    monkeypatch.setattr(write, "back_up", lambda *_arguments: manifest)
    return StateFolder(tmp_path / "state")


def notes_of_backup(state, tmp_path):
    command = ["backup", str(tmp_path / "backup"), "--state", str(state.root)]
    result = CliRunner().invoke(application, command)
    assert result.exit_code == 0, result.output
    return " ".join(result.stderr.split())


def test_training_runs_are_named(state, tmp_path):
    assert "Not in the backup" not in notes_of_backup(state, tmp_path)
    for name in ("run-1", "run-2"):
        (state.training / name).mkdir(parents=True)
    assert "the folders of 2 training runs" in notes_of_backup(state, tmp_path)
