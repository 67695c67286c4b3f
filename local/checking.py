"""Verifies everything that is stored: files, objects, artefacts, the ledger and the database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import md5

import psycopg

from local.aws.reader import BucketReader
from local.aws.records import content_md5
from local.backup.database import snapshot
from local.names import ARTEFACT_BUCKET, BUCKETS, CLEAN_BUCKET
from local.stack.offline import open_database
from local.state import StateFolder
from shared.db import integrity
from shared.db.table_indexes import contradicting_indexes
from shared.errors import ArtefactError, CorruptObjectError, NotFoundError
from shared.index.build import indexed_shards
from shared.index.shards import count_rows
from shared.schemas.damage import Damage
from shared.schemas.manifest import ArtefactKind, Manifest
from shared.storage import artefacts, registry, verify
from shared.storage.layout import embedding_shard
from shared.storage.objects import ObjectStore
from shared.storage.pairs import list_pairs, shard_of

_CHUNK_BYTES = 1 << 20
_KINDS: tuple[ArtefactKind, ...] = ("model", "index")
_SHARDS = (
    "SELECT ingest_id, part, rows, key, model_version FROM shards WHERE rows > 0 ORDER BY 1, 2"
)

Problems = Iterator[str]


@dataclass
class CheckReport:
    """One kind of stored data: how many items were checked, and a sentence for each problem."""

    name: str
    checked: int = 0
    problems: list[str] = field(default_factory=list)


class Checker:
    """Checks one state folder; nothing is changed."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self.reports: list[CheckReport] = []

    def run(self, progress: Callable[[str], None]) -> list[CheckReport]:
        """Run all checks; the stack may run or not.

        Raises:
            LocalStackError: it is not a state folder, or PostgreSQL does not start.
        """
        with open_database(self._state) as secret, snapshot(secret) as (connection, _):
            progress("database")
            self._check_database(connection)
            # listed after the snapshot: what it refers to was stored before
            self._readers = {name: BucketReader(self._state.s3, name) for name in BUCKETS}
            shards = connection.execute(_SHARDS).fetchall()
        progress("objects")
        self._check_objects()
        progress("artefacts")
        self._check_clean(shards)
        self._check_embeddings(shards)
        for kind in _KINDS:
            self._check_versions(kind)
        self._check_index_rows()
        return self.reports

    def _add(self, name: str) -> CheckReport:
        self.reports.append(CheckReport(name))
        return self.reports[-1]

    def _check_database(self, connection: psycopg.Connection) -> None:
        tables = self._add("tables")
        tables.checked, tables.problems = integrity.unreadable_tables(connection)
        ledger = self._add("ledger")
        if tables.problems:
            ledger.problems.append("not checked, because a table cannot be read")
            return
        indexes = self._add("indexes of tables")
        indexes.checked, problems = contradicting_indexes(connection)
        indexes.problems += problems.values()
        for rule in (*integrity.RULES, integrity.FIGURES):
            ledger.checked += 1
            try:
                with connection.transaction():
                    ledger.problems += integrity.contradictions(connection, rule)
            except psycopg.Error as error:  # such as a damaged index
                ledger.problems.append(f"{rule.name}: {' '.join(str(error).split())}")

    def _check_objects(self) -> None:
        """Compare the bytes of every object with its record."""
        report = self._add("objects")
        for reader in self._readers.values():
            report.problems += [f"record {p}: {reason}" for p, reason in reader.damaged.items()]
            for key in sorted(reader.records):
                problem = check_bytes(reader, key)
                report.checked += 1
                if problem is not None:
                    report.problems.append(f"bucket {reader.bucket}: {problem}")

    def _check_clean(self, shards: list[tuple[object, ...]]) -> None:
        report, store = self._add("clean shards"), self._readers[CLEAN_BUCKET].store
        for _, _, rows, key, _ in shards:
            report.checked += 1
            damage = verify.check_clean_shard(store, str(key), int(str(rows)))
            report.problems += _sentences([damage])

    def _check_embeddings(self, shards: list[tuple[object, ...]]) -> None:
        report, store = self._add("embeddings"), self._readers[ARTEFACT_BUCKET].store
        dimensions: dict[str, int] = {}
        for ingest_id, part, rows, _, model in shards:
            if model is None:
                continue  # not processed yet
            version = str(model)
            if version not in dimensions:
                manifest, _damage = verify.check_manifest(store, "model", version)
                dimensions[version] = manifest.dimension if manifest else 0
            if not dimensions[version]:
                continue  # the model is reported
            stem = embedding_shard(version, str(ingest_id), int(str(part))).removesuffix(".npy")
            report.checked += 1
            report.problems += _sentences(
                verify.check_pair(store, stem, dimension=dimensions[version], rows=int(str(rows)))
            )

    def _check_versions(self, kind: ArtefactKind) -> None:
        """Files of all versions and evaluations, and the pointer."""
        report, store = self._add({"model": "models", "index": "indexes"}[kind]), self._artefacts
        for version in artefacts.versions(store, kind):
            report.checked += 1
            report.problems += _sentences(verify.check_version(store, kind, version))
            if kind == "model":
                for digest in registry.evaluations(store, version):
                    damages = verify.check_evaluation(store, version, digest)
                    report.problems += _sentences(damages)
        damage = verify.check_pointer(store, kind)
        if damage is not None and (damage.problem == "corrupt" or report.checked):
            report.problems += _sentences([damage])

    def _check_index_rows(self) -> None:
        """The current index has the rows of the embeddings that it was built from."""
        report, store = self._add("index rows"), self._artefacts
        try:
            pointer = artefacts.current(store, "index")
            if pointer is None:
                return
            manifest = artefacts.read_manifest(store, "index", pointer.version)
            report.problems += list(self._index_problems(manifest))
            report.checked = manifest.count or 0
        except (ArtefactError, NotFoundError) as error:
            report.problems.append(error.message)

    def _index_problems(self, manifest: Manifest) -> Problems:
        store, model = self._artefacts, str(manifest.model_version)
        indexed, rows = indexed_shards(store, manifest), 0
        pairs, _ = list_pairs(store, model)
        for pair in pairs:
            if shard_of(pair.name, model) in indexed:
                indexed.discard(shard_of(pair.name, model))
                rows += count_rows(store, pair)
        if indexed:
            yield f"index {manifest.version} has {len(indexed)} shards without embeddings"
        elif rows != manifest.count:
            yield f"index {manifest.version} has {manifest.count} rows, its embeddings {rows}"

    @property
    def _artefacts(self) -> ObjectStore:
        return self._readers[ARTEFACT_BUCKET].store


def check_bytes(reader: BucketReader, key: str) -> str | None:
    """Compare the bytes of an object with its size and checksum; None if they are right."""
    expected = content_md5(reader.records[key])
    digest = md5(usedforsecurity=False)
    try:
        with reader.open(key) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    except NotFoundError:
        return None  # deleted since
    except CorruptObjectError as error:
        return error.message
    if content_md5(reader.records[key]) != expected:
        return None  # replaced since
    is_right = expected is None or digest.hexdigest() == expected
    return None if is_right else f"object {key} does not match its checksum"


def _sentences(damages: list[Damage] | list[Damage | None]) -> list[str]:
    return [f"bucket {each.bucket}: {each.reason}" for each in damages if each is not None]
