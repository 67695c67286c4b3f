"""Objects of shards that left the ledger: a dump that was read again may have fewer shards."""

import logging
from collections import defaultdict
from collections.abc import Iterable

from lambdas.collection.dependencies import Dependencies
from shared.db.connection import Database
from shared.db.ingest.shards import process_lock
from shared.errors import WaitingError
from shared.storage import layout
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)


def delete_orphans(dependencies: Dependencies, ingest_id: str) -> bool:
    """Delete clean shards that the ledger does not list, with their embeddings and analyses.

    An index build reads every object in the bucket. Call this before closing an ingest, so that an
    interrupted run is repeated. A clean shard is deleted last, because it is how orphans are found.

    Returns:
        Whether an object was deleted that an index may contain.

    Raises:
        WaitingError: an orphaned shard is being processed; deliver the message again.
    """
    clean, artefacts = dependencies.clean, dependencies.artefacts
    listed = dependencies.ledger.shard_keys(ingest_id)
    keys = [info.key for info in clean.list(layout.clean_prefix(ingest_id))]
    orphans = [key for key in keys if key not in listed]
    require_idle(dependencies.database, ingest_id, orphans)
    derived = derived_keys(artefacts, ingest_id) if orphans else {}
    for key in orphans:
        for derived_key in derived.get(layout.part_number(key), ()):
            artefacts.delete(derived_key)
        clean.delete(key)
    if orphans:
        log.info("%d orphaned shards deleted", len(orphans), extra={"ingest_id": ingest_id})
    return bool(derived)


def require_idle(database: Database, ingest_id: str, keys: Iterable[str]) -> None:
    """Make sure that no worker still writes embeddings of clean shards that left the ledger.

    List the embeddings afterwards: workers that held a lock before have written what they had, and
    later ones skip a shard that the ledger lacks.

    Raises:
        WaitingError: one is being processed; deliver the message again.
    """
    for key in keys:
        with database.lock(process_lock(ingest_id, layout.part_number(key))) as acquired:
            if not acquired:
                raise WaitingError("an orphaned shard is still being processed")


def derived_keys(artefacts: ObjectStore, ingest_id: str) -> dict[int, list[str]]:
    """Keys that any model derived from an ingest's shards, by part."""
    keys = defaultdict(list)
    for info in artefacts.list(layout.EMBEDDINGS):
        if f"/{ingest_id}/" in info.key:
            keys[layout.part_number(info.key)].append(info.key)
    return keys
