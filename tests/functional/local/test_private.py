"""The state folder is for the account that runs the stack."""

import os
import stat

import pytest

from local.private import close_folder
from local.state import StateFolder


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def old(tmp_path):
    """A state folder of an earlier release, which everybody could read."""
    folder = StateFolder(tmp_path / "state")
    folder.create()
    (folder.s3 / "raw" / "data").mkdir(parents=True)
    (folder.s3 / "raw" / "data" / "dump").write_text("x")
    (folder.cache / "tool").write_text("x")
    folder.postgres.mkdir()
    (folder.postgres / "theirs").write_text("x")
    (folder.root / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "outside").write_text("x")
    for path in (folder.root, *folder.root.rglob("*"), tmp_path / "outside"):
        if not path.is_symlink():
            path.chmod(0o755)
    return folder


def test_a_new_folder_is_closed(tmp_path):
    before = os.umask(0)
    try:
        folder = StateFolder(tmp_path / "state")
        folder.create()
        folder.secrets()
    finally:
        os.umask(before)
    modes = {path.name: mode_of(path) for path in (folder.root, *folder.root.rglob("*"))}
    assert set(modes.values()) == {0o700, 0o600}


def test_what_an_earlier_release_left_open_is_repaired(old, tmp_path):
    old.create()
    skipped = {old.postgres, old.postgres / "theirs", old.root / "link"}
    for path in {old.root, *old.root.rglob("*")} - skipped:
        assert mode_of(path) == 0o700, path
    assert mode_of(old.postgres / "theirs") == 0o755
    assert mode_of(tmp_path / "outside") == 0o755


def test_the_way_of_another_account_to_its_own_folder_stays(old):
    old.create()
    old.root.chmod(0o710)
    old.create()
    assert mode_of(old.root) == 0o710
    old.root.chmod(0o711)
    old.create()
    assert mode_of(old.root) == 0o700


def test_a_file_that_disappears_meanwhile_is_no_error(old, monkeypatch):
    walk = os.walk

    def remove_first(root):
        for place, folders, files in walk(root):
            yield place, [*folders, "gone"], [*files, "gone as well"]

    monkeypatch.setattr("os.walk", remove_first)
    close_folder(old.root, without=old.postgres)
    assert mode_of(old.root) == 0o700
