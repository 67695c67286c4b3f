"""PostgreSQL runs as an unprivileged user if the stack runs as root, else as the same user."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from local.stack.unprivileged import change_owner, make_reachable, process_options, server_user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can switch users")


@pytest.fixture
def outside():
    """A folder that only its owner may enter."""
    path = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    yield path
    shutil.rmtree(path)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_is_changed_without_root(monkeypatch, outside):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    user = server_user()
    assert user is None
    assert process_options(user) == {}
    before = outside.stat()
    change_owner(outside, user)
    make_reachable(outside / "data", user)
    assert outside.stat() == before


@as_root
def test_the_server_runs_as_another_user_without_groups():
    user = server_user()
    assert user.pw_uid != 0
    for option, number in (("-u", user.pw_uid), ("-G", user.pw_gid)):
        result = subprocess.run(
            ["id", option], check=True, capture_output=True, text=True, **process_options(user)
        )
        assert result.stdout.split() == [str(number)]


@as_root
def test_parent_folders_get_search_but_not_read_permission():
    user = pwd.getpwnam("nobody")
    top = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    try:
        data = top / "a" / "data"
        data.mkdir(parents=True, mode=0o700)
        (top / "a").chmod(0o700)
        make_reachable(data, user)
        assert mode_of(top) == 0o701
        assert mode_of(top / "a") == 0o710
        assert (top / "a").stat().st_gid == user.pw_gid
        assert mode_of(data) == 0o700
        (top / "a").chmod(0o755)
        make_reachable(data, user)
        assert mode_of(top / "a") == 0o755
        change_owner(data, user)
        assert data.stat().st_uid == user.pw_uid
    finally:
        shutil.rmtree(top)
