"""A failed training of several processes has a reason, whatever is noticed first."""

import inspect
import re
import signal
from textwrap import dedent

import pytest
from torch.distributed.elastic.multiprocessing.api import PContext
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from sagemaker_jobs.train import agent
from sagemaker_jobs.train.failure import LOST_CONNECTION

WORKER = """
import os, signal, sys, time
from pathlib import Path

failure = Path(os.environ["SM_OUTPUT_DIR"]) / "failure"
rank = int(os.environ["RANK"])

def wait_until(condition):
    while not condition():
        time.sleep(0.01)

"""
LOST = LOST_CONNECTION.format(size=2)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run two processes with this source; returns the agent's status and the failure file."""
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT,
                signal.SIGHUP, signal.SIGQUIT)}  # fmt: skip
    monkeypatch.setenv("SM_OUTPUT_DIR", str(tmp_path / "output"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "output").mkdir()

    def run(source):
        script = tmp_path / "worker.py"
        script.write_text(WORKER + dedent(source))
        try:
            status = agent.main(["--standalone", "--nproc-per-node=2", str(script)])
        except ChildFailedError:
            status = 1
        path = tmp_path / "output/failure"
        return status, path.read_text() if path.exists() else None

    yield run
    for name, handler in handlers.items():
        signal.signal(name, handler)


def test_a_killed_process_is_named_if_no_other_notices(run):
    status, reason = run("""
        if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()
    """)
    assert status == 1
    assert re.fullmatch(r"process 1 \(pid \d+\) was killed by SIGKILL", reason)


def test_a_killed_process_is_named_if_another_notices_first(run):
    status, reason = run(f"""
        if rank == 1:
            wait_until(failure.exists)
            os.kill(os.getpid(), signal.SIGKILL)
        failure.with_name("new").write_text("{LOST}, says process 0")
        failure.with_name("new").rename(failure)
        signal.pause()
    """)
    assert status == 1
    assert re.fullmatch(rf"process 1 \(pid \d+\) was killed by SIGKILL; {LOST}, says .+ 0", reason)


def test_the_reason_of_a_process_stays(run):
    status, reason = run("""
        if rank == 1:
            failure.write_text("ValueError: epochs")
            os.kill(os.getpid(), signal.SIGSEGV)
        signal.pause()
    """)
    assert (status, reason) == (1, "ValueError: epochs")


def test_a_process_that_ended_without_a_reason_is_named(run):
    status, reason = run("""
        if rank == 0:
            sys.exit(3)
        signal.pause()
    """)
    assert status == 1
    assert re.fullmatch(r"process 0 \(pid \d+\) ended with status 3: see the log", reason)


def test_a_stopped_training_has_not_failed(run):
    status, reason = run("""
        if rank == 0:
            os.kill(os.getppid(), signal.SIGTERM)
        signal.pause()
    """)
    assert (status, reason) == (128 + signal.SIGTERM, None)


def test_a_process_that_torchrun_killed_is_not_the_cause(tmp_path, monkeypatch):
    def fail(_):
        failures = {rank: ProcessFailure(rank, 10 + rank, status, "none")
                    for rank, status in ((0, 1), (1, -signal.SIGKILL))}  # fmt: skip
        failures[0].timestamp, failures[1].timestamp = 100, 100 + agent.GRACE_SECONDS
        raise ChildFailedError("train", failures)

    monkeypatch.setenv("SM_OUTPUT_DIR", str(tmp_path))
    monkeypatch.setattr(agent, "torchrun", fail)
    (tmp_path / "failure").write_text(LOST)
    with pytest.raises(ChildFailedError):
        agent.main([])
    assert (tmp_path / "failure").read_text() == LOST
    assert inspect.signature(PContext.close).parameters["timeout"].default == agent.GRACE_SECONDS
