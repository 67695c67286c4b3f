"""Removes index versions that hold what was removed; see shared/storage/forgotten.py.

That is a review of an undone upload, or a shard of an ingest that lost some rows, as it was before.
"""

import logging
from datetime import UTC, datetime, timedelta

from shared.errors import ConflictError
from shared.storage import artefacts, forgotten
from shared.storage.layout import FORGOTTEN, INDEXES, pointer_key, version_prefix
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
_LONGEST_UPLOAD = timedelta(hours=2)
"""An older version without a manifest is left by a build that was killed."""


def holds(store: ObjectStore, pointer: artefacts.Current | None) -> bool:
    """Whether the current index holds what was removed, or names a removed version."""
    if pointer is None or next(store.list(FORGOTTEN), None) is None:
        return False
    if artefacts.is_removed(store, "index", pointer.version):
        return True
    return version_prefix("index", pointer.version) in _holders(store)


def _holders(store: ObjectStore) -> set[str]:
    """Folders of the versions that hold what was removed."""
    undone = forgotten.holders(store, forgotten.marked(store))
    return {*undone, *forgotten.stale_holders(store, forgotten.marked_rows(store))}


def remove_pointer(store: ObjectStore, pointer: artefacts.Current | None) -> None:
    """Let no index be current if this one holds what was removed and nothing is left to index.

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
    """Delete the versions that hold what was removed, except the current one.

    A version without a manifest may be one that is being uploaded; it is deleted once it is old.

    Returns:
        Whether the current one holds what was removed.
    """
    folders = sorted(_holders(store))
    if not folders:
        return False
    finished = set(artefacts.versions(store, "index"))
    current = artefacts.current_version(store, "index")
    for folder in folders:
        version = folder.removeprefix(INDEXES).rstrip("/")
        if version != current and (version in finished or _is_old(version)):
            artefacts.discard(store, "index", version)
            log.info("index %s deleted: it holds reviews that were removed", version)
    return current is not None and version_prefix("index", current) in folders


def _is_old(version: str) -> bool:
    try:
        began = datetime.strptime(version[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return True
    return datetime.now(UTC) - began > _LONGEST_UPLOAD
