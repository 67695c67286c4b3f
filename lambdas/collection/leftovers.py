"""Objects of shards that are no more: a dump that was read anew may have fewer."""

import logging
from collections import defaultdict

from lambdas.collection.dependencies import Dependencies
from shared.db.ingest.shards import process_lock
from shared.errors import UnavailableError
from shared.storage import layout
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)


def remove_leftovers(dependencies: Dependencies, ingest_id: str) -> bool:
    """Delete what no line of the ledger stands for: clean shards, and what models made of them.

    An index build takes whatever lies in the bucket. To be called before an ingest is closed, so
    that it is done again after an interruption: a clean shard goes last, as it is what is found.

    Returns:
        Whether something was deleted that an index may hold.

    Raises:
        UnavailableError: such a shard is being processed right now; deliver again.
    """
    clean, artefacts = dependencies.clean, dependencies.artefacts
    known = dependencies.ledger.shard_keys(ingest_id)
    left = [info.key for info in clean.list(layout.clean_prefix(ingest_id))]
    left = [key for key in left if key not in known]
    embedded = _embedded(artefacts, ingest_id) if left else {}
    for key in left:
        part = layout.part_of(key)
        # whoever has it may still write; whoever comes later finds no line and lets it go
        with dependencies.database.lock(process_lock(ingest_id, part)) as held:
            if not held:
                raise UnavailableError("a shard that is no more is being processed")
            for derived in embedded.get(part, ()):
                artefacts.delete(derived)
            clean.delete(key)
    if left:
        log.info("%d shards are no more", len(left), extra={"ingest_id": ingest_id})
    return bool(embedded)


def _embedded(artefacts: ObjectStore, ingest_id: str) -> dict[int, list[str]]:
    """What any model made of an ingest's shards, by part."""
    found = defaultdict(list)
    for info in artefacts.list(layout.EMBEDDINGS):
        if f"/{ingest_id}/" in info.key:
            found[layout.part_of(info.key)].append(info.key)
    return found
