"""Marks of ingests with removed rows, and the index versions that still hold such rows.

A mark is an object whose key has the id of an ingest. It is written before anything is removed. One
of an undone upload stays until the same object is collected again, one of an ingest that lost some
rows for a day: a build that began earlier may publish an index later. The read path must not need
this module; it loads no pyarrow.
"""

import json
from collections.abc import Callable, Collection

from shared.errors import CorruptObjectError, NotFoundError
from shared.storage import layout
from shared.storage.objects import ObjectStore


def mark(store: ObjectStore, ingest_id: str) -> None:
    """Let no index include shards of an ingest from now on."""
    store.put(layout.forgotten(ingest_id), b"{}")


def unmark(store: ObjectStore, ingest_id: str) -> None:
    """Let indexes include shards of an ingest again."""
    store.delete(layout.forgotten(ingest_id))


def is_marked(store: ObjectStore, ingest_id: str) -> bool:
    """Whether the upload of an ingest is undone, so that nothing of it may be stored."""
    key = layout.forgotten(ingest_id)
    return any(info.key == key for info in store.list(key))


def marked(store: ObjectStore) -> frozenset[str]:
    """Ids of the ingests whose shards no index may include."""
    keys = [info.key.removeprefix(layout.FORGOTTEN) for info in store.list(layout.FORGOTTEN)]
    return frozenset(key.removesuffix(".json") for key in keys if "/" not in key)


def mark_rows(store: ObjectStore, exclusion_id: str, ingest_id: str) -> None:
    """Let no index keep the present shards of an ingest once they are written again."""
    store.put(layout.forgotten_rows(exclusion_id, ingest_id), b"{}")


def unmark_rows(store: ObjectStore, exclusion_id: str) -> None:
    """Delete the marks of an exclusion."""
    for info in list(store.list(layout.forgotten_rows(exclusion_id))):
        store.delete(info.key)


def marked_rows(store: ObjectStore, exclusion_id: str | None = None) -> frozenset[str]:
    """Ids of the ingests that lost rows; of one exclusion or of all."""
    prefix = layout.forgotten_rows(exclusion_id) if exclusion_id else layout.FORGOTTEN_ROWS
    return frozenset(info.key.rpartition("/")[2] for info in store.list(prefix))


def marked_exclusions(store: ObjectStore) -> frozenset[str]:
    """Ids of the exclusions that have marks."""
    return frozenset(info.key.split("/")[2] for info in store.list(layout.FORGOTTEN_ROWS))


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

    def holds(name: str) -> bool:
        return ingest_of(name) in ingest_ids

    return [each for each in _folders(store, prefix) if _holds(store, each, holds)]


def stale_holders(store: ObjectStore, ingest_ids: Collection[str]) -> list[str]:
    """Folders of index versions with shards of ingests as they are not stored any more."""
    if not ingest_ids:
        return []
    stored = _stored_pairs(store, ingest_ids)

    def holds(name: str) -> bool:
        return ingest_of(name) in ingest_ids and name not in stored

    return [each for each in _folders(store, layout.INDEXES) if _holds(store, each, holds)]


def _stored_pairs(store: ObjectStore, ingest_ids: Collection[str]) -> set[str]:
    """Names of the pairs of shards of ingests, as indexes list them."""
    etags: dict[str, dict[str, str]] = {}
    for info in store.list(layout.EMBEDDINGS):
        if ingest_of(info.key) in ingest_ids:
            stem, _, ending = info.key.rpartition(".")
            etags.setdefault(stem, {})[ending] = info.etag
    return {
        layout.pair_name(stem, halves["npy"], halves["parquet"])
        for stem, halves in etags.items()
        if halves.keys() >= {"npy", "parquet"}
    }


def _folders(store: ObjectStore, prefix: str) -> list[str]:
    """Prefixes of the index versions below a prefix, which may be still incomplete."""
    folders = set()
    for info in store.list(prefix):
        before, found, rest = info.key.partition(layout.INDEXES)
        version, slash, _ = rest.partition("/")
        if found and slash:
            folders.add(f"{before}{layout.INDEXES}{version}/")
    return sorted(folders)


def _holds(store: ObjectStore, folder: str, holds: Callable[[str], bool]) -> bool:
    try:
        names = json.loads(store.get(folder + layout.SHARDS_FILE)[0])
        return any(holds(str(name)) for name in names)
    except (NotFoundError, CorruptObjectError, ValueError, TypeError):
        return True
