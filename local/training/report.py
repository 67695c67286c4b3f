"""Reports on a training run from its folder: state, progress and failure reason."""

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

from lambdas.training.launcher import Progress, Report, parse_progress
from local.training.folder import RunFolder, RunState, training_state, utc_now
from shared.schemas.training import TrainingState

_LAUNCH_TIMEOUT_SECONDS = 15.0
_MAX_METRIC_LINES = 2000
_MAX_REASON_CHARACTERS = 400
_MAX_BYTES_READ = 65_536
_PATHS = re.compile(r"(?<![\w./:])(?:~|/)[^\s'\",;:()]*/")


def build_report(run: RunFolder) -> Report:
    """Report on a run from the contents of its folder.

    A run whose supervisor was killed counts as failed: its leftover processes are killed and the
    failure is recorded.
    """
    state = run.read_state()
    if not state.finished_at and not _is_running(state.supervisor):
        state = run.read_state()  # the run may have ended in between
        if not state.finished_at and (
            state.supervisor or run.age_seconds > _LAUNCH_TIMEOUT_SECONDS
        ):
            state = _fail_orphaned_run(run, state)
    outcome = training_state(state)
    phase = "Stopping" if run.cancel.exists() and not state.finished_at else None
    return Report(
        state=outcome,
        progress=replace(_progress(run), phase=phase),
        started_at=_parse_time(state.started_at),
        finished_at=_parse_time(state.finished_at),
        model_version=_model_version(run) if outcome is TrainingState.COMPLETED else None,
        failure_reason=_failure_reason(run, state) if outcome is TrainingState.FAILED else None,
    )


def _fail_orphaned_run(run: RunFolder, state: RunState) -> RunState:
    """Kill the job that a killed supervisor left behind, and record the end of the run."""
    if state.job and _is_running(state.job):
        with suppress(ProcessLookupError):
            os.killpg(state.job[0], signal.SIGKILL)
    stopped = run.cancel.exists()
    problem = None if stopped else "the run was killed before it ended"
    final_state = replace(state, finished_at=utc_now(), stopped=stopped, problem=problem)
    run.write_state(final_state)
    return final_state


def _progress(run: RunFolder) -> Progress:
    """The latest value of each field in the metrics file, to which the job appends lines."""
    values: dict[str, Any] = {}
    path = run.model / "logs" / "train_metrics.jsonl"
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as lines:
        for line in deque(lines, maxlen=_MAX_METRIC_LINES):
            with suppress(ValueError):  # the last line may be incomplete
                fields = json.loads(line)
                values |= fields if isinstance(fields, dict) else {}
    return parse_progress(values)


def _model_version(run: RunFolder) -> str | None:
    """Version of the model exported by the run; None if there is none."""
    with suppress(OSError, ValueError, AttributeError):
        version = json.loads((run.model / "manifest.json").read_text()).get("version")
        return version if isinstance(version, str) else None
    return None


def _failure_reason(run: RunFolder, state: RunState) -> str:
    """Why a run failed: the job's own message or the end of its log, and its exit status."""
    if state.problem:
        return state.problem
    message = _first_text(run.output / "failure") or _last_line(run.log)
    status = state.status or 0
    exit_reason = f"exit status {status}"
    if status < 0:
        exit_reason = f"killed by {signal.Signals(-status).name}"
        if status == -signal.SIGKILL:
            exit_reason += ", possibly out of memory"
    return f"{strip_folders(message)} ({exit_reason})" if message else exit_reason


def strip_folders(text: str) -> str:
    """The text with each path of this machine shortened to its file name."""
    return _PATHS.sub("", text)


def _first_text(path: Path) -> str:
    """The beginning of a file as one line; empty if it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = " ".join(file.read(_MAX_BYTES_READ).split())
    except OSError:
        return ""
    return "".join(c for c in text if c.isprintable())[:_MAX_REASON_CHARACTERS]


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _MAX_BYTES_READ))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    text = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "".join(c for c in text if c.isprintable())[-_MAX_REASON_CHARACTERS:]


def _is_running(process: Sequence[float] | None) -> bool:
    """Whether this process still runs; the creation time detects a reused id."""
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        candidate = psutil.Process(int(process[0]))
        is_same = abs(candidate.create_time() - process[1]) < 1.0
        return bool(is_same and candidate.status() != psutil.STATUS_ZOMBIE)
    return False


def _parse_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
