"""Publishes the model shipped with the repository, and makes it current if appropriate.

Its folder may also have an evaluation, with which the gate compares later candidates.
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
_SHIPPED_NAME = "minilm-reviews"
_SHIPPED_BEFORE = frozenset(
    {
        "minilm-reviews-1-14cf1342",
        "minilm-reviews-2-c5e15020",
        "minilm-reviews-2-f5171284",
        "minilm-reviews-2-6e9a5b0c",
    }
)
"""Versions of earlier families that were shipped; their names alone do not tell, as a training of
the user's may have the same family."""
EVALUATION_FOLDER = "evaluation"


def check_folder(folder: Path) -> None:
    """Check the files of a model folder against its manifest.

    Raises:
        LocalStackError: the folder has no complete model.
    """
    try:
        read_folder(folder, kind="model")
    except (ArtefactError, OSError) as error:
        reason = error.message if isinstance(error, ArtefactError) else str(error)
        message = f"The model folder {folder} cannot be used: {reason}"
        raise LocalStackError(message, exit_code=2) from error


def publish(folder: Path) -> None:
    """Publish the model in a folder to the artefact bucket of this environment."""
    publish_into(_store(), folder)


def add_evaluation(folder: Path) -> None:
    """Register the evaluation in a model folder, in the bucket of this environment."""
    add_evaluation_to(_store(), folder)


def _store() -> ObjectStore:
    return S3Store(client("s3"), os.environ["REVIEWLENS_ARTEFACT_BUCKET"])


def add_evaluation_to(store: ObjectStore, folder: Path) -> bool:
    """Register the evaluation in a model folder. Idempotent.

    Returns:
        Whether the folder has one; it is optional.

    Raises:
        ArtefactError: the model's files do not match its manifest, or the evaluation is incomplete
            or belongs to another version.
        EvaluationError: the evaluation cannot be read.
    """
    evaluation = folder / EVALUATION_FOLDER
    if not evaluation.is_dir():
        return False
    from sagemaker_jobs.gate.evaluation import read_evaluation  # loads pyarrow

    read_evaluation(evaluation)
    registry.register(store, folder, evaluation)
    return True


def publish_into(store: ObjectStore, folder: Path) -> None:
    """Publish the model; make it current if no model is, or if an older shipped model is.

    Damaged files of a version that was published before are written again.

    A model that the user trained and activated stays current: only versions of the same family (the
    version without its last part, the hash), and versions that an earlier release shipped, are
    replaced by a newer one.

    Raises:
        ArtefactError: the folder's files do not match its manifest, or the current pointer or
            manifest cannot be read.
        NotFoundError: the current version does not exist.
        ConflictError: the version was already published with other files.
    """
    from shared.storage.restore import restore_version  # loads pyarrow

    manifest = read_folder(folder, kind="model").manifest
    if not restore_version(store, "model", folder):
        publish_version(store, folder, manifest)  # says what is wrong
    pointer = current(store, "model")
    if pointer is None:
        move_pointer(store, "model", manifest.version, if_match=None)
    elif pointer.version != manifest.version and _is_replaced(store, pointer.version, manifest):
        move_pointer(store, "model", manifest.version, if_match=pointer.etag)


def _is_replaced(store: ObjectStore, version: str, shipped: Manifest) -> bool:
    family = _family(shipped.version)
    was_shipped = version in _SHIPPED_BEFORE and _family(family) == _SHIPPED_NAME
    if _family(version) != family and not was_shipped:
        return False
    return read_manifest(store, "model", version).created_at < shipped.created_at


def _family(version: str) -> str:
    return version.rpartition(FAMILY_SEPARATOR)[0]
