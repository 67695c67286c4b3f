"""Marks of undone uploads, and the index versions that still hold something of them.

A mark is an object whose key has the id of the ingest. It is written before anything is removed and
stays until the same object is collected again: a build that began earlier may publish an index
later. The read path must not need this module; it loads no pyarrow.
"""

import json
from collections.abc import Collection

from shared.errors import CorruptObjectError, NotFoundError
from shared.storage import layout
from shared.storage.objects import ObjectStore


def mark(store: ObjectStore, ingest_id: str) -> None:
    """Let no index include shards of an ingest from now on."""
    store.put(layout.forgotten(ingest_id), b"{}")


def unmark(store: ObjectStore, ingest_id: str) -> None:
    """Let indexes include shards of an ingest again."""
    store.delete(layout.forgotten(ingest_id))


def marked(store: ObjectStore) -> frozenset[str]:
    """Ids of the ingests whose shards no index may include."""
    keys = [info.key for info in store.list(layout.FORGOTTEN)]
    return frozenset(key.removeprefix(layout.FORGOTTEN).removesuffix(".json") for key in keys)


def ingest_of(key: str) -> str:
    """The ingest of an embedding or analysis shard, from its key or the name of a pair."""
    parts = key.split("/")
    return parts[2] if len(parts) > 3 else ""


def holders(
    store: ObjectStore, ingest_ids: Collection[str], *, prefix: str = layout.INDEXES
) -> list[str]:
    """Folders of index versions that hold shards of ingests, oldest first.

    A version whose list of shards is missing or unreadable counts: it may hold one.

    Args:
        store: the artefact bucket.
        ingest_ids: the ingests.
        prefix: where to look.
    """
    if not ingest_ids:
        return []
    return [each for each in _folders(store, prefix) if _holds(store, each, ingest_ids)]


def _folders(store: ObjectStore, prefix: str) -> list[str]:
    """Prefixes of the index versions below a prefix, which may be still incomplete."""
    folders = set()
    for info in store.list(prefix):
        before, found, rest = info.key.partition(layout.INDEXES)
        version, slash, _ = rest.partition("/")
        if found and slash:
            folders.add(f"{before}{layout.INDEXES}{version}/")
    return sorted(folders)


def _holds(store: ObjectStore, folder: str, ingest_ids: Collection[str]) -> bool:
    try:
        names = json.loads(store.get(folder + layout.SHARDS_FILE)[0])
        return any(ingest_of(str(name)) in ingest_ids for name in names)
    except (NotFoundError, CorruptObjectError, ValueError, TypeError):
        return True
