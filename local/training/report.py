"""What a run's folder says about the run: state, progress, and why it failed."""

import json
import os
import re
import signal
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from lambdas.training.launcher import Progress, Report, progress_of
from local.training.folder import RunFolder, RunState, now, verdict
from shared.schemas.training import TrainingState

_LAUNCH_SECONDS = 15.0
_METRIC_LINES = 2000
_REASON_CHARACTERS = 400
_TAIL_BYTES = 65_536
_PATHS = re.compile(r"(?<![\w./:])(?:~|/)[^\s'\",;:()]*/")


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


def _give_up(run: RunFolder, state: RunState) -> RunState:
    """End what a killed supervisor left running, and write down that the run is over."""
    if state.job and _runs(state.job):
        with suppress(ProcessLookupError):
            os.killpg(state.job[0], signal.SIGKILL)
    stopped = run.cancel.exists()
    problem = None if stopped else "the run was killed before it ended"
    over = replace(state, finished_at=now(), stopped=stopped, problem=problem)
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


def _runs(process: Sequence[float] | None) -> bool:
    """Whether the very process still runs: ids are given out again, times of start are not."""
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(int(process[0]))
        same = abs(found.create_time() - process[1]) < 1.0
        return bool(same and found.status() != psutil.STATUS_ZOMBIE)
    return False


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
