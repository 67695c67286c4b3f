"""Checkpoints: one safetensors file each, with what is no tensor as JSON in its header.

One file is replaced and uploaded as a whole, so none is ever half of one step and half of another.
Nothing is pickled: reading a checkpoint runs no code of it.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_KEPT = 2
"""The last one, and one before it in case a copy of the last was cut off."""
_TEACHER = "teacher"
_NAME = re.compile(r"step-(\d{8})\.safetensors")


class CheckpointError(ValueError):
    """A checkpoint that this run must not go on from."""


class Checkpoint(NamedTuple):
    """What a run goes on from."""

    path: Path
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def save(folder: Path, step: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> Path:
    """Write a checkpoint under a name of its own, then put it in place; drop the oldest."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:08d}.safetensors"
    partial = folder / ".partial"
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(flat, partial, metadata={"state": json.dumps(state)})
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(path)
    for old in _found(folder)[:-_KEPT]:
        old.unlink()
    return path


def latest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that can be read, or None where there is none.

    Raises:
        CheckpointError: there are some, and none can be read.
    """
    paths = _found(folder)
    for path in reversed(paths):
        try:
            with safe_open(path, framework="pt") as opened:
                state = json.loads(opened.metadata()["state"])
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError):
            continue
        return Checkpoint(path, tensors, state)
    if paths:
        msg = f"none of the {len(paths)} checkpoints in {folder} can be read: remove them"
        raise CheckpointError(msg)
    return None


def refuse_another_run(found: Checkpoint, identity: dict[str, Any]) -> None:
    """Go on only from a checkpoint of the same parameters and data.

    Raises:
        CheckpointError: it is of another run; names what differs.
    """
    was = found.state["identity"]
    differing = [
        f"{name} was {was.get(name)}, is {identity.get(name)}"
        for name in sorted({*was, *identity})
        if was.get(name) != identity.get(name)
    ]
    if differing:
        msg = (
            f"{found.path} is of another run ({'; '.join(differing)}): "
            "give an empty checkpoint_dir, or the parameters and data of that run"
        )
        raise CheckpointError(msg)


def keep_teacher(folder: Path, teacher: Tensor, made_of: dict[str, Any]) -> None:
    """Keep the base encoder's embeddings, (n, d) float32, for a run that goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".teacher"
    save_file({_TEACHER: teacher}, partial, metadata={"made_of": json.dumps(made_of)})
    partial.replace(folder / f"{_TEACHER}.safetensors")


def kept_teacher(folder: Path, made_of: dict[str, Any]) -> Tensor | None:
    """What keep_teacher kept of the same parameters, data and base; None where there is none."""
    try:
        with safe_open(folder / f"{_TEACHER}.safetensors", framework="pt") as opened:
            if json.loads(opened.metadata()["made_of"]) != json.loads(json.dumps(made_of)):
                return None
            found: Tensor = opened.get_tensor(_TEACHER)
    except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError):
        return None
    return found


def _found(folder: Path) -> list[Path]:
    """Checkpoints of a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
