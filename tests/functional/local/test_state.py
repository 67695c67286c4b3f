"""The state folder belongs to this program and is used by one stack at a time."""

import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import asdict, replace

import pytest

from local.errors import LocalStackError
from local.files import write_atomically
from local.state import (
    FolderLock,
    Ports,
    RunningStack,
    StateFolder,
    is_locked,
)

STACK = RunningStack(
    pid=os.getpid(), version="0", gateway=80, aws=81, database=82, children={"worker": 2}
)
HOLD = """
import sys
from pathlib import Path
from local.state import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def state(tmp_path):
    folder = StateFolder(tmp_path / "state")
    folder.create()
    return folder


@pytest.fixture
def holder(state):
    """Another process that holds the lock of the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_folder_is_created_once_and_then_reused(state):
    (state.s3 / "kept").write_text("x")
    state.create()
    assert state.has_marker()
    assert (state.s3 / "kept").read_text() == "x"


def test_default_ports_are_below_the_range_of_outgoing_connections():
    first_ephemeral = 32768  # the default of Linux; the range of IANA starts at 49152
    assert all(0 < port < first_ephemeral for port in asdict(Ports()).values())


def test_temporary_files_of_an_earlier_run_are_removed(state):
    (state.temporary / "reviewlens-index-x").mkdir()
    (state.temporary / "reviewlens-index-x" / "faiss.index").write_text("x")
    (state.temporary / "file").write_text("x")
    state.clear_temporary()
    assert list(state.temporary.iterdir()) == []


def test_an_empty_folder_is_accepted(tmp_path):
    StateFolder(tmp_path).create()
    assert StateFolder(tmp_path).has_marker()


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")
    for path in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(LocalStackError, match="--state") as caught:
            StateFolder(path).create()
        assert caught.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_secrets_are_generated_once_and_readable_only_by_the_owner(state):
    first = state.secrets()
    assert first == state.secrets() == StateFolder(state.root).secrets()
    assert len(bytes.fromhex(first["reviewer_key"])) == 32
    assert len(bytes.fromhex(first["database_password"])) == 18
    assert stat.S_IMODE((state.root / "secrets.json").stat().st_mode) == 0o600


def test_a_missing_secret_is_added_to_the_others(state):
    first = state.secrets()
    write_atomically(state.root / "secrets.json", b'{"reviewer_key": "mine"}', mode=0o600)
    second = state.secrets()
    assert second["reviewer_key"] == "mine"
    assert second["database_password"] != first["database_password"]


def test_two_folders_have_different_secrets(tmp_path):
    folders = [StateFolder(tmp_path / name) for name in "ab"]
    for folder in folders:
        folder.create()
    assert folders[0].secrets() != folders[1].secrets()


def test_a_second_stack_on_a_folder_is_refused(state, holder):
    with pytest.raises(LocalStackError, match=r"already running on .*--state") as caught:
        FolderLock(state.root).__enter__()
    assert caught.value.exit_code == 2
    assert str(state.root) in caught.value.message


def test_a_released_lock_can_be_taken_again(state):
    for _ in range(2):
        with FolderLock(state.root), pytest.raises(LocalStackError):
            FolderLock(state.root).__enter__()


def test_the_lock_of_a_killed_process_is_free(state, holder):
    holder.kill()
    holder.wait()
    with FolderLock(state.root):
        pass


def test_a_stack_is_running_while_its_process_lives(state, holder):
    state.announce(STACK)
    assert state.running() == STACK
    assert STACK.gateway_url == "http://127.0.0.1:80"
    assert STACK.aws_url == "http://127.0.0.1:81"
    holder.kill()
    holder.wait()
    assert state.running() is None


def test_the_announcement_of_a_killed_stack_is_ignored_while_another_starts(state, holder):
    with subprocess.Popen([sys.executable, "-c", ""]) as killed:
        killed.wait()
    state.announce(replace(STACK, pid=killed.pid))
    assert state.running() is None


def test_a_stack_of_another_user_counts_as_running(state, holder, monkeypatch):
    state.announce(STACK)

    def refuse(pid, signal):
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    assert state.running() == STACK


def test_checking_the_lock_keeps_no_stack_from_starting(state):
    finished = threading.Event()

    def check_repeatedly():
        while not finished.wait(0.001):
            is_locked(state.root / "lock")

    threads = [threading.Thread(target=check_repeatedly) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            with FolderLock(state.root):
                pass
    finally:
        finished.set()
        for thread in threads:
            thread.join()


def test_no_stack_is_running_without_an_announcement(state, holder, tmp_path):
    assert state.running() is None
    assert StateFolder(tmp_path / "nowhere").running() is None
    state.announce(STACK)
    state.withdraw()
    state.withdraw()
    assert state.running() is None


@pytest.mark.parametrize("body", ["", "[]", "{}", json.dumps(asdict(STACK) | {"new": 1})])
def test_an_announcement_of_another_version_is_ignored(state, holder, body):
    (state.root / "stack.json").write_text(body)
    assert state.running() is None


def test_a_folder_is_removed_with_its_contents(state, tmp_path):
    state.secrets()
    (state.s3 / "deep").mkdir()
    (state.s3 / "deep" / "file").write_text("x")
    state.remove()
    assert list(tmp_path.iterdir()) == []
    state.create()


def test_the_target_of_a_link_is_not_removed(state, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("x")
    (state.root / "link").symlink_to(elsewhere)
    state.remove()
    assert not state.root.exists()
    assert (elsewhere / "file").exists()


def test_a_folder_with_other_files_is_not_removed(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(LocalStackError, match="not a Reviewlens state folder"):
        StateFolder(tmp_path).remove()
    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_in_use_is_not_removed(state, holder):
    state.secrets()
    with pytest.raises(LocalStackError, match="already running"):
        state.remove()
    assert (state.root / "secrets.json").exists()


def test_a_failed_write_leaves_only_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, None)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
