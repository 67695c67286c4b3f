"""One training run on this machine: its folder, and the process that starts, watches and ends it.

Run as ``python -m local.training_run FOLDER LOCK KEEP`` by local.training. LOCK is an open file
whose lock says that a run is active; the job inherits it as well. KEEP is how many runs keep their
weights when this one has ended.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import psutil  # type: ignore[import-untyped]

from lambdas.training.launcher import Progress, Report, progress_of
from local.state import write_atomically
from shared.schemas.training import TrainingState

_CHECK_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0
_LAUNCH_SECONDS = 15.0
_METRIC_LINES = 2000
_REASON_CHARACTERS = 400
_TAIL_BYTES = 65_536
_PATHS = re.compile(r"(?<![\w./:])(?:~|/)[^\s'\",;:()]*/")


@dataclass(frozen=True, slots=True)
class RunState:
    """What the supervisor writes down. A process is told by id and time of its start."""

    supervisor: tuple[int, float] | None = None
    job: tuple[int, float] | None = None
    started_at: str | None = None
    finished_at: str | None = None
    status: int | None = None
    stopped: bool = False
    problem: str | None = None


class RunFolder:
    """Paths of a run, its description and its state."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        self.cancel = root / "cancel"
        self.model = root / "model"
        self.output = root / "output"
        self.checkpoints = root / "checkpoints"
        self.temporary = root / "tmp"
        self._description = root / "job.json"
        self._state = root / "state.json"

    @property
    def exists(self) -> bool:
        """Whether the run was described."""
        return self._description.is_file()

    def describe(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        """Write down what is to be run."""
        body = {"command": list(command), "environment": dict(environment), "cwd": str(cwd)}
        write_atomically(self._description, json.dumps(body).encode(), mode=0o600)

    def description(self) -> dict[str, Any]:
        """What is to be run: command, environment, cwd."""
        found: dict[str, Any] = json.loads(self._description.read_text())
        return found

    @property
    def age(self) -> float:
        """Seconds since the run was described."""
        return time.time() - self._description.stat().st_mtime

    def state(self) -> RunState:
        """What was written down last."""
        with suppress(FileNotFoundError):
            return RunState(**json.loads(self._state.read_text()))
        return RunState()

    def keep(self, state: RunState) -> None:
        """Write the state down."""
        write_atomically(self._state, json.dumps(asdict(state)).encode())


def run_of(root: Path, record: object) -> str | None:
    """The run below a folder that left this record (its run.json); None where none did.

    Training writes the record, and the export takes it over whole into the manifest: its losses,
    hashes and versions tell one run from another.
    """
    if not record:
        return None
    for path in sorted(root.glob("train_*"), reverse=True):
        with suppress(OSError, ValueError):
            if json.loads((RunFolder(path).model / "run.json").read_text()) == record:
                return path.name
    return None


def supervise(run: RunFolder, lock: int) -> int:
    """Run the job to its end and write down what became of it; returns its exit status."""
    told: list[str] = []

    def end(number: int, _frame: FrameType | None) -> None:
        told.append(f"the run was stopped from outside ({signal.Signals(number).name})")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    state = RunState(supervisor=_me(os.getpid()), started_at=_now())
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
        run.keep(replace(state, finished_at=_now(), status=127, problem=problem))
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
        done = replace(state, finished_at=_now(), status=job.returncode)
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


def report_of(run: RunFolder) -> Report:
    """What a run's folder tells of it.

    A run whose supervisor was killed has failed: what it left running is ended, and that is
    written down.
    """
    state = run.state()
    if not state.finished_at and not _runs(state.supervisor):
        state = run.state()  # it may have ended between the two looks
        if not state.finished_at and (state.supervisor or run.age > _LAUNCH_SECONDS):
            state = _give_up(run, state)
    found = verdict(state)
    phase = "Stopping" if run.cancel.exists() and not state.finished_at else None
    return Report(
        state=found,
        progress=replace(_progress(run), phase=phase),
        started_at=_time(state.started_at),
        finished_at=_time(state.finished_at),
        model_version=_model_version(run) if found is TrainingState.COMPLETED else None,
        failure_reason=_reason(run, state) if found is TrainingState.FAILED else None,
    )


def verdict(state: RunState) -> TrainingState:
    """What a state says of its run."""
    if not state.finished_at:
        return TrainingState.RUNNING if state.job else TrainingState.STARTED
    if state.stopped:
        return TrainingState.CANCELLED
    return TrainingState.COMPLETED if state.status == 0 else TrainingState.FAILED


def _give_up(run: RunFolder, state: RunState) -> RunState:
    """End what a killed supervisor left running, and write down that the run is over."""
    if state.job and _runs(state.job):
        with suppress(ProcessLookupError):
            os.killpg(state.job[0], signal.SIGKILL)
    stopped = run.cancel.exists()
    problem = None if stopped else "the run was killed before it ended"
    over = replace(state, finished_at=_now(), stopped=stopped, problem=problem)
    run.keep(over)
    return over


def _progress(run: RunFolder) -> Progress:
    """The newest value of everything in the metrics that the job writes, line by line."""
    values: dict[str, Any] = {}
    path = run.model / "logs" / "train_metrics.jsonl"
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as lines:
        for line in deque(lines, maxlen=_METRIC_LINES):
            with suppress(ValueError):  # the last line may be half written
                found = json.loads(line)
                values |= found if isinstance(found, dict) else {}
    return progress_of(values)


def _model_version(run: RunFolder) -> str | None:
    """Version of the model that the run has exported; None where it has not."""
    with suppress(OSError, ValueError, AttributeError):
        found = json.loads((run.model / "manifest.json").read_text()).get("version")
        return found if isinstance(found, str) else None
    return None


def _reason(run: RunFolder, state: RunState) -> str:
    """Why a run failed: what the job says itself, else the end of its log, and how it ended."""
    if state.problem:
        return state.problem
    said = _beginning(run.output / "failure") or _last_line(run.log)
    status = state.status or 0
    how = f"exit status {status}"
    if status < 0:
        how = f"killed by {signal.Signals(-status).name}"
        if status == -signal.SIGKILL:
            how += ", perhaps for want of memory"
    return f"{without_paths(said)} ({how})" if said else how


def without_paths(text: str) -> str:
    """The text with the last part alone of each path of this machine."""
    return _PATHS.sub("", text)


def _beginning(path: Path) -> str:
    """A short file as one line, cut."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            said = " ".join(file.read(_TAIL_BYTES).split())
    except OSError:
        return ""
    return "".join(c for c in said if c.isprintable())[:_REASON_CHARACTERS]


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "".join(c for c in said if c.isprintable())[-_REASON_CHARACTERS:]


def _me(pid: int) -> tuple[int, float]:
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return pid, 0.0


def _runs(process: Sequence[float] | None) -> bool:
    """Whether the very process still runs: ids are given out again, times of start are not."""
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(int(process[0]))
        same = abs(found.create_time() - process[1]) < 1.0
        return bool(same and found.status() != psutil.STATUS_ZOMBIE)
    return False


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def main(arguments: Sequence[str]) -> int:
    """Supervise the run of a folder; then free what older ones take."""
    run, lock = RunFolder(Path(arguments[0])), int(arguments[1])
    supervise(run, lock)
    os.close(lock)  # the next run need not wait for what follows
    from local.training_pruning import prune

    # Our output is the run's log, whose last words tell why it failed: nothing more may come there.
    # What cannot be removed now is tried again when the next run has ended.
    with suppress(OSError):
        prune(run.root.parent, int(arguments[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
