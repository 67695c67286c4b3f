"""run.json: what a run was made of."""

import hashlib
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.config import PLACES, TrainConfig
from sagemaker_jobs.train.distributed import World

_NOT_OF_THE_RUN = {*PLACES, "checkpoint_steps", "log_steps", "threads", "device"}


def parameters(config: TrainConfig) -> dict[str, Any]:
    """All parameters but the folders of one machine."""
    return config.model_dump(mode="json", exclude=set(PLACES))


def identity(
    config: TrainConfig, train: reviews.Labelled, held: reviews.Labelled
) -> dict[str, Any]:
    """What two runs have in common if one may go on where the other stopped."""
    return {
        **config.model_dump(mode="json", exclude=_NOT_OF_THE_RUN),
        "train.parquet": _data_hash(train),
        "validation.parquet": _data_hash(held),
    }


def _data_hash(data: reviews.Labelled) -> str:
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
    """The commit of this source: a staged source folder has it from the environment."""
    if given := os.environ.get("REVIEWLENS_GIT_COMMIT"):
        return given
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # a training image need not have git
        return None
    return done.stdout.strip() or None


def file_hash(path: Path) -> str | None:
    """SHA-256 of a file, 64 hex digits; None where there is none."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
