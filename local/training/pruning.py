"""Frees disk space of old training runs: removes weights and checkpoints, keeps the results.

The record (run.json), metrics, log and state of each run are never removed: they are small and
document the run.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from local.training.folder import RunFolder, training_state
from shared.schemas.training import TrainingState

_WEIGHT_SUFFIXES = frozenset({".safetensors", ".onnx", ".pt", ".pth", ".bin", ".npy"})
_RETAINED_STATES = (TrainingState.COMPLETED, TrainingState.FAILED)


def prune(root: Path, keep: int) -> list[str]:
    """Remove weights and checkpoints of all ended runs except the newest.

    Cancelled runs are always pruned and do not count among the newest. A run that is active, or
    whose files another process (such as an export) is using, is skipped.

    Args:
        root: folder that has a folder for each run.
        keep: how many completed or failed runs keep all files.

    Returns:
        Names of the pruned runs.
    """
    runs = [RunFolder(path) for path in root.glob("train_*")]
    ended = [run for run in runs if run.read_state().finished_at]
    ended.sort(key=lambda run: str(run.read_state().finished_at), reverse=True)
    retained = [run for run in ended if training_state(run.read_state()) in _RETAINED_STATES][:keep]
    prunable = [run for run in ended if run not in retained and any(_prunable_paths(run))]
    paths_in_use = list(_paths_in_use()) if prunable else []
    pruned = []
    for run in prunable:
        folder = run.root.resolve()
        if not any(path.is_relative_to(folder) for path in paths_in_use):
            _remove_files(run, keep)
            pruned.append(run.root.name)
    return pruned


def _prunable_paths(run: RunFolder) -> Iterator[Path]:
    """Folders to remove entirely, and files of weights."""
    yield from (folder for folder in (run.checkpoints, run.temporary) if folder.is_dir())
    for top in (run.model, run.output):
        for folder, _, names in os.walk(top):
            yield from (
                Path(folder, name) for name in names if Path(name).suffix in _WEIGHT_SUFFIXES
            )


def _remove_files(run: RunFolder, keep: int) -> None:
    note = f"weights and checkpoints were removed: only the newest {keep} runs keep them"
    line = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {note} (REVIEWLENS_TRAIN_KEEP)\n"
    (run.root / "pruned").write_text(line, encoding="utf-8")
    for path in list(_prunable_paths(run)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _paths_in_use() -> Iterator[Path]:
    """Paths that other processes have as argument, working directory, open file or mapping.

    Arguments count because an export reads its run's weights more than once and may not have them
    open at the moment.
    """
    for process in psutil.process_iter():
        if process.pid != os.getpid():
            with suppress(psutil.Error, OSError):
                yield from _process_paths(process)


def _process_paths(process: Any) -> Iterator[Path]:
    arguments: list[str] = process.cmdline()
    cwd = Path(process.cwd())
    yield cwd
    for argument in arguments:
        for text in {argument, argument.rpartition("=")[2]}:
            with suppress(ValueError, OSError):  # not a path
                yield (cwd / text).resolve()
    for opened in (*process.open_files(), *process.memory_maps()):
        yield Path(opened.path)
