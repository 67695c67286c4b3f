"""The processes of a function that is invoked: kept, replaced, isolated."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from local.errors import LocalStackError
from local.stack.processes import FunctionProcesses

ODD = """
import os, time
def handler(event, context):
    print("noise")
    if event == "die":
        os._exit(3)
    if event == "sleep":
        with open(__file__ + ".pid", "w") as file:
            print(os.getpid(), file=file)
        time.sleep(600)
    if event == "fill":
        return len(bytearray(3 << 30))
    return [os.getpid(), sorted(os.environ)]
"""

PARENT = """
import sys
from pathlib import Path
from local.stack.processes import FunctionProcesses
FunctionProcesses(
    "odd", variables={"PYTHONPATH": sys.argv[1]}, log_path=Path(sys.argv[2]), timeout_seconds=600
)(b'"sleep"')
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """``start(seconds)``: how to call and how to stop a function that does odd things."""
    (tmp_path / "odd.py").write_text(ODD)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("REVIEWLENS_GATEWAY_TOKEN", "secret")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    started = []

    def make(seconds):
        processes = FunctionProcesses(
            "odd",
            variables={"PYTHONPATH": paths},
            log_path=tmp_path / "log",
            timeout_seconds=seconds,
        )
        started.append(processes)
        return lambda event: json.loads(processes(json.dumps(event).encode())), processes.stop

    yield make
    for each in started:
        each.stop()


def test_a_process_is_kept_and_knows_no_secrets(start):
    call, _ = start(120)
    pid, variables = call({})
    assert call("again\n")[0] == pid
    assert not [name for name in variables if name.startswith("AWS_") or "TOKEN" in name]


def test_a_process_that_dies_or_fills_the_memory_is_replaced(start):
    call, _ = start(120)
    pid, _ = call({})
    for event in ("die", "fill"):
        with pytest.raises(LocalStackError, match="ended or took too long"):
            call(event)
    assert call({})[0] != pid


def test_a_process_that_takes_too_long_is_killed(start):
    with pytest.raises(LocalStackError, match="ended or took too long"):
        start(0.5)[0]("sleep")


def test_a_stop_ends_all_processes(start):
    call, stop = start(120)
    pid, _ = call({})
    os.kill(pid, 0)
    stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_busy_process_ends_when_the_stack_is_killed(tmp_path, eventually):
    (tmp_path / "odd.py").write_text(ODD)
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    stack = subprocess.Popen([sys.executable, "-c", PARENT, paths, tmp_path / "log"])
    pid_file = tmp_path / "odd.py.pid"
    pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text()))
    stack.kill()
    stack.wait()
    eventually(lambda: not is_running(pid))


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
