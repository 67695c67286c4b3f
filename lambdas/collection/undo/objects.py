"""Deletes the objects that came from an upload, and counts them in its receipt.

They are counted before they are deleted: if the worker is killed in between, a later run finds
fewer, and the larger number stays.
"""

from collections import Counter

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.orphans import derived_keys, require_idle
from shared.db.ingest import undo
from shared.schemas.undo import Receipt
from shared.storage import forgotten, layout, quarantine
from shared.storage.objects import ObjectStore
from shared.storage.review_pictures import count_files, forget_ingest

_COPIES = f"{layout.QUARANTINE}objects/"


def delete_derived(dependencies: Dependencies, ingest_id: str) -> None:
    """Delete clean shards, embeddings and analyses of all models; no shard is in the ledger.

    Raises:
        UnavailableError: a shard is still being processed.
    """
    clean = [info.key for info in dependencies.clean.list(layout.clean_prefix(ingest_id))]
    require_idle(dependencies.database, ingest_id, clean)
    parts = derived_keys(dependencies.artefacts, ingest_id)
    derived = [key for keys in parts.values() for key in keys]
    plans = [info.key for info in dependencies.clean.list(layout.plan_prefix(ingest_id))]
    pictures = count_files(dependencies.artefacts, ingest_id)
    models = Counter(key.split("/")[1] for key in derived if key.endswith(".npy"))

    def count(receipt: Receipt) -> None:
        removed = receipt.removed
        removed.clean_shards = max(removed.clean_shards, len(clean))
        removed.plans = max(removed.plans, len(plans))
        removed.pictures = max(removed.pictures, pictures)
        removed.embeddings = dict(Counter(removed.embeddings) | models)

    undo.update_receipt(dependencies.database, ingest_id, count)
    forget_ingest(dependencies.artefacts, ingest_id)
    _delete_all(dependencies.artefacts, derived)
    _delete_all(dependencies.clean, [*clean, *plans])


def delete_quarantined(dependencies: Dependencies, ingest_id: str) -> None:
    """Delete the copies of damaged objects that came from an upload, and close their records."""
    copies = quarantined_copies(dependencies, ingest_id)

    def count(receipt: Receipt) -> None:
        receipt.removed.quarantined = max(receipt.removed.quarantined, len(copies))

    if copies:
        undo.update_receipt(dependencies.database, ingest_id, count)
    for store, key in copies:
        store.delete(key)
    artefacts = dependencies.artefacts
    for record in quarantine.open_records(artefacts):
        if _is_of(record.key, ingest_id):
            quarantine.heal(artefacts, record)


def quarantined_copies(dependencies: Dependencies, ingest_id: str) -> list[tuple[ObjectStore, str]]:
    """Copies of damaged shards of an ingest, and of indexes that hold one of its shards."""
    artefacts, clean = dependencies.artefacts, dependencies.clean
    folders = tuple(forgotten.holders(artefacts, [ingest_id], prefix=_COPIES))
    copies = [
        (artefacts, info.key)
        for info in artefacts.list(_COPIES)
        if _is_of(info.key, ingest_id) or info.key.startswith(folders)
    ]
    return copies + [
        (clean, info.key) for info in clean.list(_COPIES) if _is_of(info.key, ingest_id)
    ]


def delete_raw(dependencies: Dependencies, ingest_id: str) -> None:
    """Delete all versions of the uploaded object, and its mapping if no other version is left."""
    raw, place = dependencies.raw, undo.undone_object(dependencies.database, ingest_id)
    if place is None:
        return
    key, etag = place
    versions = raw.versions(key)
    own = [version for version in versions if version.etag == etag]
    mapping = f"{key}.{layout.MAPPING_NAME}"
    mappings = raw.versions(mapping) if len(own) == len(versions) else []

    def count(receipt: Receipt) -> None:
        removed = receipt.removed
        removed.raw_versions = max(removed.raw_versions, len(own))
        removed.mappings = max(removed.mappings, len(mappings))

    undo.update_receipt(dependencies.database, ingest_id, count)
    for version in own:
        raw.delete_version(key, version.version_id)
    for version in mappings:
        raw.delete_version(mapping, version.version_id)


def _is_of(key: str, ingest_id: str) -> bool:
    return f"/{ingest_id}/" in key


def _delete_all(store: ObjectStore, keys: list[str]) -> None:
    for key in keys:
        store.delete(key)
