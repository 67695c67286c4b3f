"""Supervisor process of one training run on this machine: starts, watches and stops the job.

local.training.launcher runs it as ``python -m local.training.run FOLDER LOCK KEEP``. LOCK is the
descriptor of a locked file, which marks the run as active; the job inherits it as well. KEEP is how
many runs keep their weights after this one has ended.
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

from local.training.folder import RunFolder, RunState, utc_now
from local.training.pruning import prune

_CHECK_SECONDS = 0.1
_STOP_TIMEOUT_SECONDS = 30.0


def supervise(run: RunFolder, lock: int) -> int:
    """Run the job to its end and record the outcome; returns the job's exit status."""
    stop_reasons: list[str] = []

    def request_stop(number: int, _frame: FrameType | None) -> None:
        stop_reasons.append(f"the run was stopped by a signal ({signal.Signals(number).name})")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, request_stop)
    state = RunState(supervisor=_process_identity(os.getpid()), started_at=utc_now())
    run.write_state(state)
    description = run.read_description()
    try:
        with run.log.open("ab") as log:
            job = subprocess.Popen(  # noqa: S603 - the command that the launcher wrote
                description["command"],
                cwd=description["cwd"],
                env=description["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                start_new_session=True,
            )
    except OSError as error:
        problem = f"the job could not be started ({error.strerror})"
        run.write_state(replace(state, finished_at=utc_now(), status=127, problem=problem))
        return 127
    state = replace(state, job=_process_identity(job.pid))
    run.write_state(state)
    stopped = False
    while job.poll() is None:
        # removing the folder (reviewlens reset) also stops the run
        if stop_reasons or run.cancel.exists() or not run.root.exists():
            stopped = True
            _terminate(job)
        time.sleep(_CHECK_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)  # workers that the job left behind
    with suppress(FileNotFoundError):
        run.write_state(
            replace(
                state,
                finished_at=utc_now(),
                status=job.returncode,
                stopped=stopped and not stop_reasons,
                problem=stop_reasons[0] if stop_reasons else None,
            )
        )
    return job.returncode


def _terminate(job: "subprocess.Popen[bytes]") -> None:
    """Ask the job and its workers to stop; kill them if they take too long."""
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        job.wait(_STOP_TIMEOUT_SECONDS)
        return
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()


def _process_identity(pid: int) -> tuple[int, float]:
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return pid, 0.0


def main(arguments: Sequence[str]) -> int:
    """Supervise the run in a folder, then prune older runs."""
    run, lock = RunFolder(Path(arguments[0])), int(arguments[1])
    supervise(run, lock)
    os.close(lock)  # the next run need not wait for pruning
    # Errors are not printed: this output is the run's log, whose last line is the failure reason.
    # Files that cannot be removed now are retried after the next run.
    with suppress(OSError):
        prune(run.root.parent, int(arguments[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
