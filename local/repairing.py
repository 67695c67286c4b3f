"""Mends the data of a stopped stack; what it cannot mend is listed.

Derived data that are damaged are set apart, so that the stack makes them again after its next
start: it queues shards without embeddings and builds an index. Nothing is deleted but staged bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from local.aws.disk import DiskBuckets
from local.aws.reader import BucketReader
from local.checking import check_bytes
from local.names import ARTEFACT_BUCKET, BUCKETS, CLEAN_BUCKET, RAW_BUCKET
from local.recovering import bring_back, known_objects
from local.stack.offline import offline_database
from local.state import StateFolder
from shared.db import integrity
from shared.db.connection import connection_arguments
from shared.db.table_indexes import contradicting_indexes, rebuild_index
from shared.schemas.manifest import ArtefactKind, Pointer
from shared.storage import artefacts, registry, verify
from shared.storage.layout import analysis_shard, embedding_shard, pointer_key
from shared.storage.objects import ObjectStore

_PROCESSED = (
    "SELECT ingest_id, part, key, model_version FROM shards"
    " WHERE rows > 0 AND model_version IS NOT NULL"
)
_REOPEN = "UPDATE shards SET model_version = NULL WHERE ingest_id = %s AND part = %s"
_REOPEN_INGEST = (
    "UPDATE ingests SET status = 'collected'"
    " WHERE ingest_id = %s AND status IN ('processed', 'processed_with_warnings')"
)
_KINDS: tuple[ArtefactKind, ...] = ("model", "index")


@dataclass
class RepairReport:
    """What was mended, and what was not, in sentences."""

    mended: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def repair(state: StateFolder, progress: Callable[[str], None]) -> RepairReport:
    """Mend a state folder on which no stack runs; running it again changes nothing more.

    Raises:
        LocalStackError: it is not a state folder, a stack runs on it, or PostgreSQL does not start.
    """
    report, known_problems = RepairReport(), len(state.quarantine.sentences)
    with offline_database(state) as postgres:
        progress("objects")
        buckets = DiskBuckets(state.s3, state.quarantine)
        _set_damaged_objects_apart(state, buckets, report)
        report.mended += state.quarantine.sentences[known_problems:]
        progress("lost objects")
        with psycopg.connect(**connection_arguments(postgres.secret)) as connection:
            known = known_objects(state, connection)
        report.mended += bring_back(state.quarantine, buckets, known)
        progress("pointers")
        _mend_pointers(state, buckets, report)
        progress("database")
        with psycopg.connect(**connection_arguments(postgres.secret)) as connection:
            _mend_indexes_of_tables(connection, report)
            _mend_database(connection, state, report)
    return report


def _set_damaged_objects_apart(
    state: StateFolder, buckets: DiskBuckets, report: RepairReport
) -> None:
    for bucket in BUCKETS:
        reader = BucketReader(state.s3, bucket)
        for key in sorted(reader.records):
            problem = check_bytes(reader, key)
            if problem is not None:
                buckets.set_apart(bucket, key, f"bucket {bucket}: {problem}")
                report.mended.append(f"Put into quarantine: {problem} (bucket {bucket}).")
                if bucket == RAW_BUCKET:
                    report.left.append(f"Dump {key} is damaged: upload it again.")


def _mend_pointers(state: StateFolder, buckets: DiskBuckets, report: RepairReport) -> None:
    """Point at the newest good version, or at none: then the next start or build sets it."""
    for kind in _KINDS:
        store = BucketReader(state.s3, ARTEFACT_BUCKET).store
        damage = verify.check_pointer(store, kind)
        if damage is None:
            current = artefacts.current(store, kind)
            damages = verify.check_version(store, kind, current.version) if current else []
            damage = next(iter(damages), None)
        elif damage.problem == "missing":
            continue
        if damage is None:
            continue
        key, version = pointer_key(kind), _newest_good(store, kind)
        buckets.set_apart(ARTEFACT_BUCKET, key, damage.reason)
        if version:
            buckets.put(ARTEFACT_BUCKET, key, _pointer(kind, version))
        outcome = f"it names {version} now" if version else "it was removed"
        report.mended.append(f"The {kind} pointer was damaged ({damage.reason}); {outcome}.")


def _newest_good(store: ObjectStore, kind: ArtefactKind) -> str | None:
    """The newest undamaged index, or the undamaged model that was current last."""
    if kind == "model":
        versions = [entry.version for entry in reversed(registry.history(store))]
    else:
        good = [
            (verify.check_manifest(store, kind, v)[0], v) for v in artefacts.versions(store, kind)
        ]
        dated = [(manifest.created_at, v) for manifest, v in good if manifest is not None]
        versions = [version for _, version in sorted(dated, reverse=True)]
    return next((v for v in versions if not verify.check_version(store, kind, v)), None)


def _pointer(kind: ArtefactKind, version: str) -> bytes:
    pointer = Pointer(kind=kind, version=version, moved_at=datetime.now(UTC))
    return pointer.model_dump_json().encode()


def _mend_indexes_of_tables(connection: psycopg.Connection[Any], report: RepairReport) -> None:
    for name, problem in contradicting_indexes(connection)[1].items():
        try:
            with connection.transaction():
                rebuild_index(connection, name)
        except psycopg.Error as error:  # such as rows that are not unique
            report.left.append(
                f"{problem}; it cannot be made again: {' '.join(str(error).split())}"
            )
        else:
            report.mended.append(f"The {problem}; it was made again.")


def _mend_database(
    connection: psycopg.Connection[Any], state: StateFolder, report: RepairReport
) -> None:
    clean = BucketReader(state.s3, CLEAN_BUCKET).records
    artefact = BucketReader(state.s3, ARTEFACT_BUCKET).records
    for ingest_id, part, key, model in connection.execute(_PROCESSED).fetchall():
        if key not in clean:
            report.left.append(f"Clean shard {key} is missing: the running stack writes it again.")
            continue
        shards = (embedding_shard(model, ingest_id, part), analysis_shard(model, ingest_id, part))
        if not artefact.keys() >= set(shards):
            connection.execute(_REOPEN, (ingest_id, part))
            connection.execute(_REOPEN_INGEST, (ingest_id,))
            report.mended.append(f"Part {part} of {ingest_id} is embedded again at the next start.")
    if integrity.contradictions(connection, integrity.FIGURES):
        integrity.rebuild_figures(connection)
        report.mended.append("The figures are counted again after the next start.")
    for rule in integrity.RULES:
        report.left += integrity.contradictions(connection, rule)
