"""Imports a checkpoint of CLIP or SigLIP as a model of the registry."""

import os
import subprocess
import tempfile
from pathlib import Path

from local.training.launcher import (
    CHECKOUT,
    LocalTrainingSettings,
    check_python,
    inherited_variables,
)
from sagemaker_jobs.adapt.evaluation import register_with_evaluations
from sagemaker_jobs.clip.evaluations import adopt_evaluations
from shared.errors import ConflictError, InvalidInputError
from shared.storage import artefacts
from shared.storage.objects import ObjectStore

_REFUSED = 2
"""Exit status of the job for a checkpoint that cannot be imported."""


def import_model(
    store: ObjectStore, source: str, sentiment: str | None, *, precision: str, cache_dir: Path
) -> str:
    """Export and register a checkpoint; returns the version, a candidate.

    Args:
        store: the artefact bucket.
        source: the folder of a checkpoint, or its name and commit on the hub.
        sentiment: the version whose encoder gives the sentiments; None: the current one.
        precision: ``int8`` or ``float32``.
        cache_dir: where versions are kept.

    Raises:
        NotFoundError: there is no such version.
        InvalidInputError: the checkpoint cannot be imported.
        UnavailableError: the training environment is missing.
        ConflictError: no model is current, or the version exists with other content.
    """
    python = LocalTrainingSettings().train_python.expanduser().absolute()
    check_python(python)
    base = sentiment or artefacts.current_version(store, "model")
    if base is None:
        raise ConflictError("no model is current: name a version with --sentiment")
    fetched = artefacts.fetch(store, "model", base, cache_dir)
    with tempfile.TemporaryDirectory(dir=cache_dir) as folder:
        _export(
            python, source=_absolute(source), sentiment_dir=fetched.folder, output_dir=folder,
            precision=precision,
        )  # fmt: skip
        manifest = register_with_evaluations(store, Path(folder))
    adopt_evaluations(store, base, manifest.version)
    return manifest.version


def _absolute(source: str) -> str:
    """A folder as seen from anywhere; a name on the hub as it is."""
    folder = Path(source).expanduser()
    return str(folder.absolute()) if folder.is_dir() else source


def _export(python: Path, **options: object) -> None:
    """Run the job in the training environment; its last message is that of the error."""
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    done = subprocess.run(  # noqa: S603 - our own module
        [str(python), "-m", "sagemaker_jobs.clip", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        env=inherited_variables(os.environ),
    )
    if done.returncode == 0:
        return
    message = "".join(done.stderr.strip().splitlines()[-1:])
    if done.returncode == _REFUSED and message:
        raise InvalidInputError(message)
    raise ConflictError(f"the export failed: {message}" if message else "the export failed")
