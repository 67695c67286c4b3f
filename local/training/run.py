"""The process that starts, watches and ends one training run on this machine.

Run as ``python -m local.training.run FOLDER LOCK KEEP`` by local.training.launcher. LOCK is an open
file whose lock says that a run is active; the job inherits it as well. KEEP is how many runs keep
their weights when this one has ended.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

import psutil  # type: ignore[import-untyped]

from local.training.folder import RunFolder, RunState, now
from local.training.pruning import prune

_CHECK_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0


def supervise(run: RunFolder, lock: int) -> int:
    """Run the job to its end and write down what became of it; returns its exit status."""
    told: list[str] = []

    def end(number: int, _frame: FrameType | None) -> None:
        told.append(f"the run was stopped from outside ({signal.Signals(number).name})")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    state = RunState(supervisor=_me(os.getpid()), started_at=now())
    run.keep(state)
    plan = run.description()
    try:
        with run.log.open("ab") as log:
            job = subprocess.Popen(  # noqa: S603 - the command that the launcher wrote
                plan["command"],
                cwd=plan["cwd"],
                env=plan["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                start_new_session=True,
            )
    except OSError as error:
        problem = f"the job cannot be started ({error.strerror})"
        run.keep(replace(state, finished_at=now(), status=127, problem=problem))
        return 127
    state = replace(state, job=_me(job.pid))
    run.keep(state)
    stopped = False
    while job.poll() is None:
        # a folder that was removed (reviewlens reset) ends its run
        if told or run.cancel.exists() or not run.root.exists():
            stopped = True
            _end(job)
        time.sleep(_CHECK_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)  # workers that it left behind
    with suppress(FileNotFoundError):
        done = replace(state, finished_at=now(), status=job.returncode)
        outside = told[0] if told else None
        run.keep(replace(done, stopped=stopped and not told, problem=outside))
    return job.returncode


def _end(job: "subprocess.Popen[bytes]") -> None:
    """Ask the job and its workers to end, and kill them when they take too long."""
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        job.wait(_PATIENCE_SECONDS)
        return
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()


def _me(pid: int) -> tuple[int, float]:
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return pid, 0.0


def main(arguments: Sequence[str]) -> int:
    """Supervise the run of a folder; then free what older ones take."""
    run, lock = RunFolder(Path(arguments[0])), int(arguments[1])
    supervise(run, lock)
    os.close(lock)  # the next run need not wait for what follows
    # Our output is the run's log, whose last words tell why it failed: nothing more may come there.
    # What cannot be removed now is tried again when the next run has ended.
    with suppress(OSError):
        prune(run.root.parent, int(arguments[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
