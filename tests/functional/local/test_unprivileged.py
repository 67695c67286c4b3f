"""PostgreSQL runs as a plain user where we are root, and as ourselves where we are not."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from local.stack.unprivileged import give, let_through, process_options, server_user

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def outside():
    """A folder that only its owner may enter, below one that all may."""
    made = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    yield made
    shutil.rmtree(made)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_who_is_not_root_changes_nothing(monkeypatch, outside):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    user = server_user()
    assert user is None
    assert process_options(user) == {}
    before = outside.stat()
    give(outside, user)
    let_through(outside / "data", user)
    assert outside.stat() == before


@as_root
def test_the_server_of_root_is_somebody_else_without_groups():
    user = server_user()
    assert user.pw_uid != 0
    for option, number in (("-u", user.pw_uid), ("-G", user.pw_gid)):
        done = subprocess.run(
            ["id", option], check=True, capture_output=True, text=True, **process_options(user)
        )
        assert done.stdout.split() == [str(number)]


@as_root
def test_folders_on_the_way_may_be_passed_but_not_read():
    user = pwd.getpwnam("nobody")
    top = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    try:
        data = top / "a" / "data"
        data.mkdir(parents=True, mode=0o700)
        (top / "a").chmod(0o755)
        let_through(data, user)
        assert mode_of(top) == 0o701
        assert mode_of(top / "a") == 0o755
        assert mode_of(data) == 0o700
        give(data, user)
        assert data.stat().st_uid == user.pw_uid
    finally:
        shutil.rmtree(top)
