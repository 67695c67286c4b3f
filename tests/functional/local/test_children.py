"""Child processes are supervised, restarted and stopped, and end with their parent."""

import logging
import os
import signal
import subprocess
import sys

import psutil
import pytest

from local.stack import children
from local.stack.children import Child, log_tail
from local.stack.lifeline import POSTMASTER_VARIABLE

OBEDIENT = """
import signal
from local.stack.lifeline import tie_to_parent
tie_to_parent()
signal.signal(signal.SIGTERM, lambda *_: (print("finished", flush=True), exit(0)))
print("ready", flush=True)
while True:
    signal.pause()
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""
BROKEN = "raise SystemExit(7)"
PARENT = """
import os, sys
from pathlib import Path
from local.stack.children import Child
child = Child("pupil", ["pupil"], environment=os.environ, log_path=Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def pupil(tmp_path):
    """Starts a child that runs a program; it is stopped after the test."""
    made = []

    def make(program, **more):
        (tmp_path / "pupil.py").write_text(program)
        environment = os.environ | {"PYTHONPATH": str(tmp_path)} | more.pop("environment", {})
        made.append(
            Child("pupil", ["pupil"], environment=environment, log_path=tmp_path / "log", **more)
        )
        return made[-1]

    yield make
    for child in made:
        child.stop(timeout=0.0)


@pytest.fixture
def wait_for_output(tmp_path, eventually):
    """Waits until the children have printed a text a number of times."""

    def wait(text, times=1):
        log = tmp_path / "log"
        eventually(lambda: log.exists() and log.read_text().count(text) >= times)

    return wait


def is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_running_child_is_not_restarted(pupil, wait_for_output):
    child = pupil(OBEDIENT)
    assert child.pid is None
    assert not child.restart_if_crashed()
    child.start()
    wait_for_output("ready")
    pid = child.pid
    assert child.is_alive
    assert not child.restart_if_crashed()
    assert child.pid == pid


def test_a_killed_child_is_restarted_after_the_callback(pupil, wait_for_output, eventually, caplog):
    calls = []
    child = pupil(OBEDIENT, on_crash=lambda: calls.append(child.is_alive))
    child.start()
    wait_for_output("ready")
    first = child.pid
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not child.is_alive)
    with caplog.at_level(logging.ERROR, "local.stack.children"):
        assert not child.restart_if_crashed()
    assert "pupil ended with status -9" in caplog.text
    eventually(child.restart_if_crashed)
    assert calls == [False]
    wait_for_output("ready", 2)
    assert child.is_alive
    assert child.pid != first


def test_a_child_that_dies_repeatedly_restarts_with_growing_delays(pupil, eventually, caplog):
    child = pupil(BROKEN)
    child.start()
    for _ in range(2):
        eventually(child.restart_if_crashed)
    eventually(lambda: not child.is_alive)
    child.restart_if_crashed()
    delays = [record.args[2] for record in caplog.records]
    assert delays == [0.5, 1.0, 2.0]
    assert {record.args[1] for record in caplog.records} == {7}


def test_a_child_that_was_stable_restarts_without_a_longer_delay(
    pupil, eventually, caplog, monkeypatch
):
    child = pupil(BROKEN)
    child.start()
    eventually(child.restart_if_crashed)
    eventually(lambda: not child.is_alive)
    monkeypatch.setattr(children, "_STABLE_AFTER_SECONDS", 0.0)
    child.restart_if_crashed()
    assert [record.args[2] for record in caplog.records] == [0.5, 0.5]


def test_a_stopped_child_finishes_and_is_not_restarted(pupil, wait_for_output):
    child = pupil(OBEDIENT)
    child.start()
    wait_for_output("ready")
    child.stop()
    wait_for_output("finished")
    assert child.pid is None
    assert not child.restart_if_crashed()
    child.stop()


def test_a_child_that_does_not_stop_is_killed(pupil, wait_for_output, caplog):
    child = pupil(STUBBORN)
    child.start()
    wait_for_output("ready")
    pid = child.pid
    child.stop(timeout=0.1)
    assert is_gone(pid)
    assert "pupil did not stop in time and is killed" in caplog.text


def test_a_child_inherits_only_the_given_descriptors(pupil, wait_for_output, tmp_path):
    named, other = os.open(tmp_path, os.O_RDONLY), os.open(tmp_path, os.O_RDONLY)
    child = pupil(
        f"import os\nprint('named', os.fstat({named}).st_ino)\n"
        f"try:\n    os.fstat({other})\nexcept OSError:\n    print('no other')\n",
        descriptors=[named],
    )
    child.start()
    wait_for_output(f"named {tmp_path.stat().st_ino}")
    wait_for_output("no other")
    os.close(named)
    os.close(other)


def test_a_child_of_a_killed_parent_exits_and_stops_the_database(
    pupil, wait_for_output, tmp_path, eventually
):
    pupil(OBEDIENT)
    with (
        subprocess.Popen(["sleep", "600"]) as database,
        subprocess.Popen(
            [sys.executable, "-c", PARENT, str(tmp_path / "log")],
            env=os.environ
            | {"PYTHONPATH": str(tmp_path), POSTMASTER_VARIABLE: str(tmp_path / "postmaster.pid")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as parent,
    ):
        pid = int(parent.stdout.readline())
        wait_for_output("ready")
        assert not is_gone(pid)
        # written after the child started: a server that crashed has a new id
        (tmp_path / "postmaster.pid").write_text(f"{database.pid}\n/data\n")
        parent.kill()
        parent.wait()
        eventually(lambda: is_gone(pid))
        assert database.wait(30) == -signal.SIGINT
    assert "finished" not in (tmp_path / "log").read_text()


def test_log_tail_returns_the_last_lines(tmp_path):
    path = tmp_path / "log"
    assert log_tail(path) == ""
    path.write_bytes(b"\xff" + b"x" * 10_000 + b"\n" + b"\n".join(b"%d" % n for n in range(9)))
    assert log_tail(path, 3) == "6\n7\n8"
    assert len(log_tail(path)) <= 8192
