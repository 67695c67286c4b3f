"""Entries of run.json: parameters, data, environment."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.base import sha256_of
from sagemaker_jobs.train.config import PATH_FIELDS, TrainConfig
from sagemaker_jobs.train.distributed import World

_NOT_IDENTIFYING = {
    *PATH_FIELDS,
    *("allow_unpinned_encoder", "checkpoint_steps", "log_steps", "threads", "device"),
}


def parameters(config: TrainConfig) -> dict[str, Any]:
    """All parameters except the folders of the machine."""
    return config.model_dump(mode="json", exclude=set(PATH_FIELDS))


def identity(
    config: TrainConfig, train: reviews.LabelledTexts, validation: reviews.LabelledTexts
) -> dict[str, Any]:
    """Values that must be equal for a run to resume from another run's checkpoint."""
    return {
        **config.model_dump(mode="json", exclude=_NOT_IDENTIFYING),
        "train.parquet": _data_hash(train),
        "validation.parquet": _data_hash(validation),
    }


def _data_hash(data: reviews.LabelledTexts) -> str:
    """SHA-256 of texts and labels in their order, 64 hex digits."""
    return reviews.fingerprint([*data.texts, *map(str, data.labels)])


def environment(world: World) -> dict[str, Any]:
    """Versions, hardware and the number of processes."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers", "scikit-learn")},
        "platform": platform.platform(),
        "device": world.device.type,
        "precision": "bf16" if world.bf16 else "float32",
        "processes": world.size,
    }


def git_commit() -> str | None:
    """The commit of this source; a staged source folder gets it from the environment."""
    if commit := os.environ.get("REVIEWLENS_GIT_COMMIT"):
        return commit
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - git is found on the PATH
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # a training image may lack git
        return None
    return result.stdout.strip() or None


def file_hash(path: Path) -> str | None:
    """SHA-256 of a file, 64 hex digits; None if it does not exist."""
    return sha256_of(path) if path.is_file() else None
