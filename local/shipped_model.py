"""Publishes the model that the repository ships, and makes it current where it should be."""

import os
from pathlib import Path

from local.errors import LocalStackError
from shared.errors import ArtefactError
from shared.schemas.manifest import Manifest
from shared.storage.artefacts import current, move_pointer, read_folder, read_manifest
from shared.storage.artefacts import publish as publish_version
from shared.storage.clients import client
from shared.storage.objects import ObjectStore, S3Store

FAMILY_SEPARATOR = "-"


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
    publish_into(S3Store(client("s3"), os.environ["REVIEWLENS_ARTEFACT_BUCKET"]), folder)


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
