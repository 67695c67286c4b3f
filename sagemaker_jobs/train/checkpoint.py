"""Checkpoints: one safetensors file each, with other state as JSON in its header.

A file is replaced and uploaded as a whole, so a checkpoint never mixes two steps. Nothing is
pickled: reading a checkpoint runs no code.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_KEEP = 2
"""Checkpoints kept: the last one, and a fallback in case the last was truncated."""
_TEACHER = "teacher"
_NAME = re.compile(r"step-(\d{8})\.safetensors")


class CheckpointError(ValueError):
    """A checkpoint that this run must not resume from."""


class Checkpoint(NamedTuple):
    """A checkpoint read from a file."""

    path: Path
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def save(folder: Path, step: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> Path:
    """Write a checkpoint to a temporary file and rename it; removes the oldest ones."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:08d}.safetensors"
    partial = folder / ".partial"
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(flat, partial, metadata={"state": json.dumps(state)})
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(path)
    for old in _checkpoint_paths(folder)[:-_KEEP]:
        old.unlink()
    return path


def latest(folder: Path) -> Checkpoint | None:
    """The newest readable checkpoint, or None if there are none.

    Raises:
        CheckpointError: there are checkpoints, but none can be read.
    """
    paths = _checkpoint_paths(folder)
    for path in reversed(paths):
        try:
            with safe_open(path, framework="pt") as opened:
                state = json.loads(opened.metadata()["state"])
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError):
            continue
        return Checkpoint(path, tensors, state)
    if paths:
        raise CheckpointError(
            f"none of the {len(paths)} checkpoints in {folder} can be read: remove them"
        )
    return None


def require_same_run(latest: Checkpoint, identity: dict[str, Any]) -> None:
    """Check that a checkpoint has the parameters and data of this run.

    Raises:
        CheckpointError: it belongs to another run; the message lists the differences.
    """
    earlier = latest.state["identity"]
    differing = [
        f"{name} was {earlier.get(name)}, is {identity.get(name)}"
        for name in sorted({*earlier, *identity})
        if earlier.get(name) != identity.get(name)
    ]
    if differing:
        raise CheckpointError(
            f"{latest.path} belongs to another run ({'; '.join(differing)}): use an empty"
            " checkpoint_dir, or the parameters and data of that run"
        )


def save_teacher(folder: Path, teacher: Tensor, inputs: dict[str, Any]) -> None:
    """Save the base encoder's embeddings, (n, d) float32, for a resumed run."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".teacher"
    save_file({_TEACHER: teacher}, partial, metadata={"made_of": json.dumps(inputs)})
    partial.replace(folder / f"{_TEACHER}.safetensors")


def load_teacher(folder: Path, inputs: dict[str, Any]) -> Tensor | None:
    """Embeddings saved for the same inputs (parameters, data, base); None if there are none."""
    try:
        with safe_open(folder / f"{_TEACHER}.safetensors", framework="pt") as opened:
            if json.loads(opened.metadata()["made_of"]) != json.loads(json.dumps(inputs)):
                return None
            teacher: Tensor = opened.get_tensor(_TEACHER)
    except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError):
        return None
    return teacher


def _checkpoint_paths(folder: Path) -> list[Path]:
    """Checkpoints of a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
