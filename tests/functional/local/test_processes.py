"""The processes of a function that is invoked: kept, replaced, isolated."""

import json
import os

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
        time.sleep(600)
    if event == "fill":
        return len(bytearray(3 << 30))
    return [os.getpid(), sorted(os.environ)]
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
