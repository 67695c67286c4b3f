"""Buckets on disk, so that S3 survives a kill. Independent of moto.

``<root>/<bucket>/data/<id>`` holds the bytes of one object and ``<root>/<bucket>/meta/<hash>.json``
its record: everything else, including the key (a key can be too long for a file name or contain
slashes and dots). Renaming the record into place is what changes the object, so a kill leaves
either the old object or the new one. Bytes without a record are removed when objects are loaded.
"""

import json
import logging
import mmap
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator
from hashlib import md5, sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from local.state import sync_path, write_atomically

log = logging.getLogger(__name__)
_CHUNK_BYTES = 1 << 20
_RETENTION_SECONDS = 60.0


class MappedFile(mmap.mmap):
    """A read-only memory-mapped file; iterates in chunks."""

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]
        """Chunks of one mebibyte, as a WSGI server needs them."""
        for start in range(0, len(self), _CHUNK_BYTES):
            yield self[start : start + _CHUNK_BYTES]


class Blob:
    """The bytes of one object; on commit they move from the staging folder to the bucket."""

    def __init__(self, path: Path, *, size: int, staged: bool) -> None:
        self.path = path
        self.size = size
        self.staged = staged

    def open(self) -> MappedFile | bytes:
        """Map the bytes; retried, because a concurrent commit may move the file."""
        if self.size == 0:
            return b""
        while True:
            path = self.path
            try:
                with path.open("rb") as file:
                    return MappedFile(file.fileno(), self.size, access=mmap.ACCESS_READ)
            except FileNotFoundError:
                if path == self.path:
                    raise

    def discard(self) -> None:
        """Remove bytes that were never committed."""
        if self.staged:
            self.path.unlink(missing_ok=True)


class DiskBuckets:
    """All buckets below one folder.

    Only one process may write, and calls for the same key must not overlap.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / ".staged"
        self._retired: deque[tuple[float, Path]] = deque()
        self._retired_lock = threading.Lock()
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir(parents=True)
        self._bucket_names = {record["name"] for record in self.buckets()}

    def stage(self, *parts: bytes | MappedFile) -> tuple[Blob, str]:
        """Write bytes to the staging folder.

        Returns:
            The blob and the MD5 of its bytes in hex: the ETag that S3 gives a single-part object.
        """
        path = self._staging / uuid4().hex
        digest = md5(usedforsecurity=False)
        size = 0
        with path.open("wb") as file:
            for part in parts:
                file.write(part)
                digest.update(part)
                size += len(part)
        return Blob(path, size=size, staged=True), digest.hexdigest()

    def create_bucket(self, bucket: str, attributes: dict[str, Any]) -> None:
        """Create a bucket; an existing one is not changed."""
        if bucket in self._bucket_names:
            return
        folder = self._folder(bucket)
        for name in ("data", "meta"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "bucket.json", json.dumps(attributes | {"name": bucket}).encode())
        sync_path(self._root)
        self._bucket_names.add(bucket)

    def delete_bucket(self, bucket: str) -> None:
        """Delete a bucket and its objects; does nothing if it does not exist."""
        if bucket not in self._bucket_names:
            return
        self._bucket_names.discard(bucket)
        folder = self._folder(bucket)
        (folder / "bucket.json").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def commit(self, bucket: str, key: str, blob: Blob, attributes: dict[str, Any]) -> None:
        """Store an object durably: once this returns it survives a kill and a power cut.

        Args:
            bucket: a bucket created by create_bucket.
            key: any S3 key.
            blob: its bytes, newly staged or committed before (then only the record changes).
            attributes: JSON-serialisable values, returned by ``objects``.
        """
        folder = self._folder(bucket)
        before = self.read_record(bucket, key)
        if blob.staged:
            sync_path(blob.path)
            final = folder / "data" / blob.path.name
            blob.path.rename(final)
            blob.path, blob.staged = final, False
            sync_path(final.parent)
        record = attributes | {"key": key, "blob": blob.path.name, "size": blob.size}
        write_atomically(self._record_path(bucket, key), json.dumps(record).encode())
        if before and before["blob"] != blob.path.name:
            self._retire(folder / "data" / before["blob"])

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object durably; does nothing if it does not exist."""
        before = self.read_record(bucket, key)
        if before:
            path = self._record_path(bucket, key)
            path.unlink()
            sync_path(path.parent)
            self._retire(self._folder(bucket) / "data" / before["blob"])

    def read_record(self, bucket: str, key: str) -> dict[str, Any] | None:
        """The record of one object on disk, None if there is none."""
        try:
            record: dict[str, Any] = json.loads(self._record_path(bucket, key).read_bytes())
        except FileNotFoundError:
            return None
        return record

    def blob(self, bucket: str, record: dict[str, Any]) -> Blob:
        """The committed bytes that a record refers to."""
        path = self._folder(bucket) / "data" / record["blob"]
        return Blob(path, size=record["size"], staged=False)

    def buckets(self) -> Iterator[dict[str, Any]]:
        """Records of all buckets, sorted by name."""
        for path in sorted(self._root.glob("*/bucket.json")):
            yield json.loads(path.read_bytes())

    def objects(self, bucket: str) -> Iterator[dict[str, Any]]:
        """Records of a bucket's complete objects; removes leftover files of killed writes."""
        folder = self._folder(bucket)
        referenced: set[str] = set()
        for path in (folder / "meta").iterdir():
            if path.suffix != ".json":
                path.unlink()  # a temporary file that a kill left behind
                continue
            record = json.loads(path.read_bytes())
            data = folder / "data" / record["blob"]
            if not data.is_file() or data.stat().st_size != record["size"]:
                log.error("the data of object %s in bucket %s is missing", record["key"], bucket)
                continue
            referenced.add(record["blob"])
            yield record
        for data in (folder / "data").iterdir():
            if data.name not in referenced:
                data.unlink()

    def _folder(self, bucket: str) -> Path:
        # a dot is allowed in a bucket name but unsafe in a path
        return self._root / quote(bucket, safe="").replace(".", "%2E")

    def _record_path(self, bucket: str, key: str) -> Path:
        return self._folder(bucket) / "meta" / f"{sha256(key.encode()).hexdigest()}.json"

    def _retire(self, path: Path) -> None:
        """Remove replaced bytes after a delay: a response may still be about to read them."""
        expired: list[Path] = []
        with self._retired_lock:
            now = time.monotonic()
            self._retired.append((now, path))
            while now - self._retired[0][0] > _RETENTION_SECONDS:
                expired.append(self._retired.popleft()[1])
        for old_path in expired:
            old_path.unlink(missing_ok=True)
