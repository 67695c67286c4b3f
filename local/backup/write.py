"""Makes a backup, also while the stack runs.

The pointers are read first, then the database in one snapshot, then the objects: whatever the
pointers and the snapshot refer to is immutable and was stored before. The manifest is written last.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from local.aws.reader import BucketReader
from local.backup import database, searches
from local.backup.contents import (
    DATABASE,
    FORMAT,
    OBJECTS,
    Manifest,
    Search,
    StoredFile,
    StoredObject,
)
from local.backup.places import MANIFEST, UNFINISHED, Place, is_complete
from local.errors import LocalStackError
from local.names import ARTEFACT_BUCKET, BUCKETS
from local.secret_file import SECRETS
from local.stack.offline import open_database
from local.state import StateFolder
from shared.errors import CorruptObjectError, NotFoundError
from shared.schemas.manifest import Pointer
from shared.storage.layout import pointer_key, version_prefix

_CHUNK_BYTES = 1 << 20
_SEARCHES = 50
_POINTERS = tuple(pointer_key(kind) for kind in ("model", "index"))
_RECORD_FIELDS = ("key", "blob", "size", "content_md5")
Progress = Callable[[str], None]


class BackupWriter:
    """Writes one backup of a state folder."""

    def __init__(self, state: StateFolder, place: Place, work: Path, progress: Progress) -> None:
        self._state, self._place, self._work, self._progress = state, place, work, progress
        self._files: dict[str, StoredFile] = {}
        self._left_out: list[str] = []

    def write(self, present: dict[str, int]) -> Manifest:
        """Write all files.

        Args:
            present: files of an interrupted backup; equal objects are not written again.
        """
        self._put(UNFINISHED, b"")
        pointers = self._read_pointers()
        with open_database(self._state) as secret, database.snapshot(secret) as (reader, name):
            self._progress("database")
            counts, revision = database.count_rows(reader), database.read_revision(reader)
            texts = database.sample_texts(reader, _SEARCHES)
            path = self._work / DATABASE
            database.dump(secret, name, path)
        self._put_file(DATABASE, path)
        path.unlink()
        self._progress("searches")
        recorded = self._search(pointers, texts)
        count, size = self._put_objects(pointers, present)
        key = self._state.secrets()["reviewer_key"]
        self._put(SECRETS, json.dumps({"reviewer_key": key}).encode())
        manifest = Manifest(
            format=FORMAT,
            release=version("reviewlens"),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            revision=revision,
            files=self._files,
            objects=count,
            object_bytes=size,
            counts=counts,
            searches=recorded,
            left_out=self._left_out,
        )
        self._put(MANIFEST, manifest.model_dump_json(indent=1).encode())
        self._place.delete(UNFINISHED)
        return manifest

    def _read_pointers(self) -> dict[str, bytes]:
        reader = BucketReader(self._state.s3, ARTEFACT_BUCKET)
        return {key: reader.get(key)[0] for key in _POINTERS if key in reader.records}

    def _search(self, pointers: dict[str, bytes], texts: list[str]) -> list[Search]:
        """Search the index that the pointer of the backup names."""
        body = pointers.get(pointer_key("index"))
        if body is None or not texts:
            return []
        index = Pointer.model_validate_json(body).version
        reader = BucketReader(self._state.s3, ARTEFACT_BUCKET)
        return searches.search(reader.store, index, texts)

    def _put_objects(self, pointers: dict[str, bytes], present: dict[str, int]) -> tuple[int, int]:
        """Write all objects and their list; returns their number and bytes."""
        path, count, size = self._work / OBJECTS, 0, 0
        with path.open("w", encoding="utf-8") as lines:
            for bucket in BUCKETS:
                self._progress(f"objects of {bucket}")
                for stored in self._copy_bucket(bucket, pointers, present):
                    lines.write(stored.model_dump_json() + "\n")
                    count, size = count + 1, size + stored.bytes
        self._put_file(OBJECTS, path)
        return count, size

    def _copy_bucket(
        self, bucket: str, pointers: dict[str, bytes], present: dict[str, int]
    ) -> Iterator[StoredObject]:
        reader = BucketReader(self._state.s3, bucket)
        self._left_out += [f"record {path}: {reason}" for path, reason in reader.damaged.items()]
        for key in sorted(reader.records):
            pointer = pointers.get(key) if bucket == ARTEFACT_BUCKET else None
            if bucket == ARTEFACT_BUCKET and key in _POINTERS and pointer is None:
                continue  # a first model or index that is newer than the snapshot
            try:
                yield self._copy(reader, key, pointer, present)
            except NotFoundError as error:
                if any(key.startswith(prefix) for prefix in _current_prefixes(pointers)):
                    message = f"{key} was replaced during the backup: run the command again."
                    raise LocalStackError(message) from error
            except CorruptObjectError as error:
                self._left_out.append(f"bucket {bucket}: {error.message}")

    def _copy(
        self, reader: BucketReader, key: str, pointer: bytes | None, present: dict[str, int]
    ) -> StoredObject:
        path = self._work / "object"
        sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with reader.open(key) as stream, path.open("wb") as file:
            chunks = iter(lambda: stream.read(_CHUNK_BYTES), b"")
            for chunk in chunks if pointer is None else [pointer]:
                file.write(chunk)
                sha.update(chunk)
                md5.update(chunk)
        record = dict(reader.records[key])
        expected = record.get("content_md5") or record["etag"]
        if pointer is not None:
            record["etag"] = md5.hexdigest()
        elif "-" not in expected and expected != md5.hexdigest():
            raise CorruptObjectError(f"object {key} does not match its checksum")
        stored = StoredObject(
            bucket=reader.bucket,
            key=key,
            sha256=sha.hexdigest(),
            bytes=path.stat().st_size,
            attributes={n: v for n, v in record.items() if n not in _RECORD_FIELDS},
        )
        if present.get(stored.file) != stored.bytes:
            self._place.put(stored.file, path)
            present[stored.file] = stored.bytes
        return stored

    def _put(self, name: str, body: bytes) -> None:
        path = self._work / "file"
        path.write_bytes(body)
        self._put_file(name, path)

    def _put_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if name not in (UNFINISHED, MANIFEST):
            self._files[name] = StoredFile(sha256=digest, bytes=path.stat().st_size)
        self._place.put(name, path)


def _current_prefixes(pointers: dict[str, bytes]) -> list[str]:
    parsed = [Pointer.model_validate_json(body) for body in pointers.values()]
    return [version_prefix(pointer.kind, pointer.version) for pointer in parsed]


def back_up(state: StateFolder, place: Place, progress: Progress) -> Manifest:
    """Back up a state folder; an interrupted backup is continued.

    Raises:
        LocalStackError: it is not a state folder, the place has other files or a complete backup,
            or the backup failed.
    """
    if not state.has_marker():
        raise LocalStackError(f"{state.root} is not a Reviewlens state folder.", exit_code=2)
    sizes = place.sizes()
    if is_complete(place, sizes):
        message = f"{place.label} has a complete backup: choose another place."
        raise LocalStackError(message, exit_code=2)
    with tempfile.TemporaryDirectory(prefix="reviewlens-backup-") as work:
        return BackupWriter(state, place, Path(work), progress).write(sizes)
