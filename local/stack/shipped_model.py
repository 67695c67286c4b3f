"""Publishes the model that the repository ships, and makes it current where it should be.

Beside it the folder may hold its evaluation, by which the gate judges what is to come after it.
"""

import os
from pathlib import Path

from local.errors import LocalStackError
from shared.errors import ArtefactError
from shared.schemas.manifest import Manifest
from shared.storage import registry
from shared.storage.artefacts import current, move_pointer, read_folder, read_manifest
from shared.storage.artefacts import publish as publish_version
from shared.storage.clients import client
from shared.storage.objects import ObjectStore, S3Store

FAMILY_SEPARATOR = "-"
EVALUATION = "evaluation"


def check_folder(folder: Path) -> None:
    """Compare the files of a model's folder with its manifest.

    Raises:
        LocalStackError: the folder does not hold a whole model.
    """
    try:
        read_folder(folder, kind="model")
    except (ArtefactError, OSError) as error:
        reason = error.message if isinstance(error, ArtefactError) else str(error)
        told = f"The model folder {folder} cannot be used: {reason}"
        raise LocalStackError(told, exit_code=2) from error


def publish(folder: Path) -> None:
    """Put the model of a folder into the artefact bucket of this environment."""
    publish_into(_store(), folder)


def add_evaluation(folder: Path) -> None:
    """Register the evaluation that lies beside the model of a folder, in this environment."""
    add_evaluation_to(_store(), folder)


def _store() -> ObjectStore:
    return S3Store(client("s3"), os.environ["REVIEWLENS_ARTEFACT_BUCKET"])


def add_evaluation_to(store: ObjectStore, folder: Path) -> bool:
    """Register the evaluation beside a model; the same again changes nothing.

    Returns:
        Whether the folder has one; a model without it is used all the same.

    Raises:
        ArtefactError: the model's files are not what its manifest says, or the evaluation lacks a
            file or is that of another version.
        EvaluationError: the evaluation cannot be read.
    """
    evaluation = folder / EVALUATION
    if not evaluation.is_dir():
        return False
    from sagemaker_jobs.gate.evaluation import read_evaluation  # loads pyarrow

    read_evaluation(evaluation)
    registry.register(store, folder, evaluation)
    return True


def publish_into(store: ObjectStore, folder: Path) -> None:
    """Publish, and move the pointer when there is none or it names an older shipped model.

    A model that somebody trained and activated stays current: only versions of the shipped
    family (all of the version but its last part, the hash) give way to a newer one.

    Raises:
        ArtefactError: the folder's files are not what its manifest says, or the current pointer or
            manifest cannot be read.
        NotFoundError: the pointer names a version that does not exist.
        ConflictError: the version was published with other files.
    """
    manifest = read_folder(folder, kind="model").manifest
    publish_version(store, folder, manifest)
    now = current(store, "model")
    if now is None:
        move_pointer(store, "model", manifest.version, if_match=None)
    elif now.version != manifest.version and _gives_way(store, now.version, manifest):
        move_pointer(store, "model", manifest.version, if_match=now.etag)


def _gives_way(store: ObjectStore, version: str, shipped: Manifest) -> bool:
    family = shipped.version.rpartition(FAMILY_SEPARATOR)[0]
    if version.rpartition(FAMILY_SEPARATOR)[0] != family:
        return False
    return read_manifest(store, "model", version).created_at < shipped.created_at
