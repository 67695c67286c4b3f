"""Removes index versions that hold reviews of undone uploads; see shared/storage/forgotten.py."""

import logging
from datetime import UTC, datetime, timedelta

from shared.errors import ConflictError
from shared.storage import artefacts, forgotten
from shared.storage.layout import INDEXES, pointer_key, version_prefix
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
_LONGEST_UPLOAD = timedelta(hours=2)
"""An older version without a manifest is left by a build that was killed."""


def holds(store: ObjectStore, pointer: artefacts.Current | None) -> bool:
    """Whether the current index holds an undone upload, or names a removed version."""
    marked = forgotten.marked(store)
    if pointer is None or not marked:
        return False
    if artefacts.is_removed(store, "index", pointer.version):
        return True
    return version_prefix("index", pointer.version) in forgotten.holders(store, marked)


def remove_pointer(store: ObjectStore, pointer: artefacts.Current | None) -> None:
    """Let no index be current if this one holds an undone upload and nothing is left to index.

    Raises:
        ConflictError: another build moved the pointer.
    """
    if not holds(store, pointer):
        return
    if artefacts.current(store, "index") != pointer:
        raise ConflictError("another build moved the index pointer")
    store.delete(pointer_key("index"))
    log.info("no index is current: nothing is left to index")


def discard_holders(store: ObjectStore) -> bool:
    """Delete the versions that hold an undone upload, except the current one.

    A version without a manifest may be one that is being uploaded; it is deleted once it is old.

    Returns:
        Whether the current one holds an undone upload.
    """
    folders = forgotten.holders(store, forgotten.marked(store))
    if not folders:
        return False
    finished = set(artefacts.versions(store, "index"))
    current = artefacts.current_version(store, "index")
    for folder in folders:
        version = folder.removeprefix(INDEXES).rstrip("/")
        if version != current and (version in finished or _is_old(version)):
            artefacts.discard(store, "index", version)
            log.info("index %s deleted: it holds an undone upload", version)
    return current is not None and version_prefix("index", current) in folders


def _is_old(version: str) -> bool:
    try:
        began = datetime.strptime(version[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return True
    return datetime.now(UTC) - began > _LONGEST_UPLOAD
