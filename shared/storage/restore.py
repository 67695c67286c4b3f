"""Brings back damaged versions and pointers from what is intact.

For the write side: this module loads pyarrow.
"""

import logging
from pathlib import Path

from shared.errors import ArtefactError, ConflictError, NotFoundError
from shared.schemas.damage import Damage
from shared.schemas.manifest import ArtefactKind
from shared.storage import artefacts, quarantine
from shared.storage.layout import pointer_key, version_prefix
from shared.storage.likely import likely_models, newest_indexes
from shared.storage.objects import ObjectStore
from shared.storage.verify import check_manifest, check_version

log = logging.getLogger(__name__)
WRITTEN_AGAIN = "it is written again from an intact copy"


def restore_version(store: ObjectStore, kind: ArtefactKind, folder: Path) -> bool:
    """Write the damaged files of a published version again, from a folder with the same content.

    Args:
        store: the artefact bucket.
        kind: model or index.
        folder: a copy of the version; it is verified first.

    Returns:
        Whether the version is intact now; False if it was never published, or the folder has no
        intact copy of its content.
    """
    try:
        copy = artefacts.read_folder(folder, kind=kind)
    except ArtefactError:
        return False
    version, prefix = copy.manifest.version, version_prefix(kind, copy.manifest.version)
    manifest, damage = check_manifest(store, kind, version)
    if manifest is not None and manifest.files != copy.manifest.files:
        return False
    if damage is not None and damage.problem == "missing":
        was_published = any(True for _ in store.list(prefix))
        if not was_published and artefacts.current_version(store, kind) != version:
            return False
        quarantine.record(store, damage, WRITTEN_AGAIN)
        artefacts.publish(store, folder, copy.manifest)
    elif damage is not None:
        _replace(store, damage, copy.manifest.model_dump_json(indent=1).encode())
    for broken in check_version(store, kind, version):
        _replace(store, broken, folder / broken.key.removeprefix(prefix))
    return not check_version(store, kind, version)


def _replace(store: ObjectStore, damage: Damage, content: bytes | Path) -> None:
    quarantine.set_aside(store, store, damage, WRITTEN_AGAIN, keep=True)
    if isinstance(content, Path):
        store.upload(damage.key, content)
    else:
        store.put(damage.key, content)
    log.warning("written again: %s", damage.key)


def restore_pointer(
    store: ObjectStore, kind: ArtefactKind, damage: Damage, *, last_model: str | None = None
) -> str | None:
    """Point at the newest intact version instead of a version or pointer that is damaged.

    The pointer is kept below ``quarantine/`` and replaced by a conditional put.

    Args:
        store: the artefact bucket.
        kind: model or index.
        damage: what is wrong with the pointer, or with the version that it names.
        last_model: the model that the ledger names last, if any.

    Returns:
        The version; None if no other version is intact, or another writer moved the pointer.
    """
    key = pointer_key(kind)
    try:
        etag = store.head(key).etag
    except NotFoundError:
        etag = None
    version = next(
        (each for each in _likely(store, kind, last_model) if not check_version(store, kind, each)),
        None,
    )
    if version is None:
        quarantine.record(store, damage, f"no intact {kind} is published: publish one")
        return None
    quarantine.set_aside(store, store, damage, f"the pointer names {kind} {version}", keep=True)
    try:
        artefacts.move_pointer(store, kind, version, if_match=etag)
    except ConflictError:
        return None
    log.warning("the pointer of kind %s names %s again", kind, version)
    return version


def _likely(store: ObjectStore, kind: ArtefactKind, last_model: str | None) -> list[str]:
    """Versions that may be the current one, the most likely first."""
    if kind == "model":
        return likely_models(store, last_model)
    return newest_indexes(store, artefacts.current_version(store, "model"))
