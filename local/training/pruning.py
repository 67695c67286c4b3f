"""Frees the disk of old training runs: weights and checkpoints go, what was measured stays.

Of each run the record (run.json), metrics, log and state are kept for good: they are small, and
they say what was tried.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from local.training.folder import RunFolder, verdict
from shared.schemas.training import TrainingState

_WEIGHTS = frozenset({".safetensors", ".onnx", ".pt", ".pth", ".bin", ".npy"})
_KEPT_STATES = (TrainingState.COMPLETED, TrainingState.FAILED)


def prune(root: Path, keep: int) -> list[str]:
    """Remove the heavy files of all runs that have ended but for the newest.

    A run that was cancelled is of no use to anybody and does not count among the newest. One that
    runs, or whose files a process works with (an export, say), is left for another time.

    Args:
        root: has a folder for each run.
        keep: how many completed or failed runs stay whole.

    Returns:
        The runs that lost files, by their names.
    """
    ended = [run for path in root.glob("train_*") if (run := RunFolder(path)).state().finished_at]
    ended.sort(key=lambda run: str(run.state().finished_at), reverse=True)
    kept = [run for run in ended if verdict(run.state()) in _KEPT_STATES][:keep]
    old = [run for run in ended if run not in kept and any(_heavy(run))]
    used = list(_paths_in_use()) if old else []
    pruned = []
    for run in old:
        place = run.root.resolve()
        if not any(path.is_relative_to(place) for path in used):
            _remove(run, keep)
            pruned.append(run.root.name)
    return pruned


def _heavy(run: RunFolder) -> Iterator[Path]:
    """Folders that go whole, and files of weights."""
    yield from (folder for folder in (run.checkpoints, run.temporary) if folder.is_dir())
    for top in (run.model, run.output):
        for folder, _, names in os.walk(top):
            yield from (Path(folder, name) for name in names if Path(name).suffix in _WEIGHTS)


def _remove(run: RunFolder, keep: int) -> None:
    told = f"weights and checkpoints were removed: the newest {keep} runs keep theirs"
    note = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {told} (REVIEWLENS_TRAIN_KEEP)\n"
    (run.root / "pruned").write_text(note, encoding="utf-8")
    for path in list(_heavy(run)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _paths_in_use() -> Iterator[Path]:
    """Every path that another process names in its arguments, works in, or has open or mapped.

    An export reads its run's weights more than once: what it was asked for tells more than what it
    has open just now.
    """
    for process in psutil.process_iter():
        if process.pid != os.getpid():
            with suppress(psutil.Error, OSError):
                yield from _paths_of(process)


def _paths_of(process: Any) -> Iterator[Path]:
    arguments: list[str] = process.cmdline()
    cwd = Path(process.cwd())
    yield cwd
    for argument in arguments:
        for text in {argument, argument.rpartition("=")[2]}:
            with suppress(ValueError, OSError):  # no path at all
                yield (cwd / text).resolve()
    for opened in (*process.open_files(), *process.memory_maps()):
        yield Path(opened.path)
