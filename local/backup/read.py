"""Restores a backup into a new state folder, which appears under its name only when it is complete.

Every file is compared with its SHA-256, then rows are counted and the recorded searches repeated.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from local.aws.disk import DiskBuckets
from local.aws.reader import BucketReader
from local.aws.records import ATTRIBUTES
from local.backup import database, searches
from local.backup.contents import (
    DATABASE,
    OBJECTS,
    Manifest,
    StoredFile,
    StoredObject,
    parse_manifest,
)
from local.backup.places import MANIFEST, Place
from local.errors import LocalStackError
from local.files import sync_path
from local.names import ARTEFACT_BUCKET, BUCKETS, REGION
from local.secret_file import SECRETS, write_secrets
from local.stack.offline import offline_database
from local.state import StateFolder
from shared.db.connection import connection_arguments
from shared.db.migrations import known_revisions
from shared.errors import NotFoundError, ReviewlensError
from shared.storage import artefacts

_CHUNK_BYTES = 1 << 20
_SUFFIX = ".restoring"
Progress = Callable[[str], None]


def restore(place: Place, root: Path, progress: Progress) -> Manifest:
    """Restore a backup into a state folder that does not exist yet or is empty.

    Raises:
        LocalStackError: the folder is not empty, or the backup is incomplete, damaged or of a newer
            release; nothing is left behind.
    """
    target = StateFolder(root).root
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        message = f"{target} is not empty: restore into another folder with --state."
        raise LocalStackError(message, exit_code=2)
    new = target.with_name(f"{target.name}{_SUFFIX}")
    with tempfile.TemporaryDirectory(prefix="reviewlens-restore-") as work:
        reader = BackupReader(place, Path(work))
        manifest = reader.read_manifest()
        if new.exists() and not StateFolder(new).has_marker():
            raise LocalStackError(f"{new} is in the way: move it.", exit_code=2)
        shutil.rmtree(new, ignore_errors=True)  # of an interrupted restore
        try:
            _fill(StateFolder(new), reader, manifest, progress)
            if target.exists():
                target.rmdir()
            new.rename(target)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    sync_path(target.parent)
    return manifest


def _fill(state: StateFolder, reader: "BackupReader", manifest: Manifest, log: Progress) -> None:
    state.create()
    secrets = json.loads(reader.checked(SECRETS, manifest.files).read_bytes())
    write_secrets(state.root, secrets)
    log("database")
    with offline_database(state) as postgres:
        database.restore(postgres.secret, reader.checked(DATABASE, manifest.files))
        with psycopg.connect(**connection_arguments(postgres.secret)) as connection:
            _compare_counts(manifest.counts, database.count_rows(connection))
    log("objects")
    _restore_objects(state, reader, manifest)
    log("searches")
    _compare_searches(state, manifest)


def _restore_objects(state: StateFolder, reader: "BackupReader", manifest: Manifest) -> None:
    buckets = DiskBuckets(state.s3, state.quarantine)
    for bucket in BUCKETS:
        buckets.create_bucket(bucket, {"region": REGION})
    count = 0
    for stored in reader.objects(manifest.files):
        blob, _ = buckets.stage_all(reader.chunks(stored))
        attributes = dict.fromkeys(ATTRIBUTES) | stored.attributes
        buckets.commit(stored.bucket, stored.key, blob, attributes)
        count += 1
    if count != manifest.objects:
        message = f"{reader.label}: {OBJECTS} lists {count} objects, not {manifest.objects}."
        raise LocalStackError(message)


def _compare_counts(expected: dict[str, int], actual: dict[str, int]) -> None:
    tables = expected.keys() | actual.keys()
    differences = [
        f"{table} has {actual.get(table, 0):,} rows, not {expected.get(table, 0):,}"
        for table in sorted(tables)
        if actual.get(table) != expected.get(table)
    ]
    if differences:
        raise LocalStackError(f"The restored database differs: {', '.join(differences)}.")


def _compare_searches(state: StateFolder, manifest: Manifest) -> None:
    if not manifest.searches:
        return
    store = BucketReader(state.s3, ARTEFACT_BUCKET).store
    try:
        index = artefacts.current(store, "index")
        version = index.version if index else ""
        found = searches.search(store, version, [each.text for each in manifest.searches])
    except ReviewlensError as error:
        raise LocalStackError(f"The restored index cannot be used: {error.message}.") from error
    if different := searches.differing(manifest.searches, found):
        count = len(manifest.searches)
        message = f"{different} of {count} searches found other reviews than before the backup."
        raise LocalStackError(message)


class BackupReader:
    """Reads the files of a backup and compares each with its checksum."""

    def __init__(self, place: Place, work: Path) -> None:
        self._place, self._work = place, work
        self.label = place.label

    def read_manifest(self) -> Manifest:
        """The manifest.

        Raises:
            LocalStackError: there is no complete backup, or a newer release made it.
        """
        try:
            body = self._place.fetch(MANIFEST, self._work).read_bytes()
        except NotFoundError as error:
            message = f"{self.label} has no complete backup: {MANIFEST} is missing."
            raise LocalStackError(message, exit_code=2) from error
        manifest = parse_manifest(body, self.label)
        if manifest.revision not in known_revisions():
            raise LocalStackError(
                f"{self.label}: the database is at revision {manifest.revision}, which is newer "
                f"than this release: restore it with release {manifest.release} or newer."
            )
        return manifest

    def checked(self, name: str, files: dict[str, StoredFile]) -> Path:
        """A file whose content is as when it was written."""
        path = self._fetch(name)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if name not in files or digest != files[name].sha256:
            raise self._damaged(name)
        return path

    def objects(self, files: dict[str, StoredFile]) -> Iterator[StoredObject]:
        """The list of all objects."""
        with self.checked(OBJECTS, files).open(encoding="utf-8") as lines:
            for line in lines:
                yield StoredObject.model_validate_json(line)

    def chunks(self, stored: StoredObject) -> Iterator[bytes]:
        """The bytes of an object; the last chunk comes only if all are right."""
        path, digest = self._fetch(stored.file), hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                yield chunk
        if digest.hexdigest() != stored.sha256:
            raise self._damaged(stored.file)
        if path.parent == self._work:
            path.unlink()

    def _fetch(self, name: str) -> Path:
        try:
            return self._place.fetch(name, self._work)
        except NotFoundError as error:
            raise LocalStackError(f"{self.label}: {name} is missing.") from error

    def _damaged(self, name: str) -> LocalStackError:
        return LocalStackError(f"{self.label}: {name} is damaged (its SHA-256 differs).")
