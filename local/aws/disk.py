"""Buckets on disk: what makes S3 survive a kill. Knows files, not moto.

``<root>/<bucket>/data/<id>`` holds the bytes of one object and ``<root>/<bucket>/meta/<hash>.json``
everything else, its key included (keys are no file names: too long, slashes, dots). The rename of
the small file is the moment at which an object changes: a kill leaves the old object or the new
one. Bytes that no small file names are removed when the store is opened.
"""

import json
import logging
import mmap
import os
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

from local.state import sync_folder, write_atomically

log = logging.getLogger(__name__)
_CHUNK = 1 << 20
_KEEP_RETIRED_SECONDS = 60.0


class Mapped(mmap.mmap):
    """Read-only bytes of a file that cost no memory of their own; iterates in chunks."""

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]
        """Chunks of a megabyte, as a WSGI server wants them."""
        for start in range(0, len(self), _CHUNK):
            yield self[start : start + _CHUNK]


class Blob:
    """The bytes of one object; ``path`` moves from the staging folder to its bucket on commit."""

    def __init__(self, path: Path, *, size: int, staged: bool) -> None:
        self.path = path
        self.size = size
        self.staged = staged

    def open(self) -> Mapped | bytes:
        """Map the bytes; a concurrent commit may move the file between two tries."""
        if self.size == 0:
            return b""
        while True:
            path = self.path
            try:
                with path.open("rb") as file:
                    return Mapped(file.fileno(), self.size, access=mmap.ACCESS_READ)
            except FileNotFoundError:
                if path == self.path:
                    raise

    def discard(self) -> None:
        """Remove bytes that were never committed."""
        if self.staged:
            self.path.unlink(missing_ok=True)


class DiskBuckets:
    """All buckets under one folder. One process writes; calls for one key are not concurrent."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / ".staged"
        self._retired: deque[tuple[float, Path]] = deque()
        self._retiring = threading.Lock()
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir(parents=True)
        self._known = {about["name"] for about in self.buckets()}

    def stage(self, *parts: bytes | Mapped) -> tuple[Blob, str]:
        """Write bytes to the staging folder.

        Returns:
            The blob and the MD5 of its bytes (hex), S3's ETag of an object put whole.
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

    def create_bucket(self, bucket: str, about: dict[str, Any]) -> None:
        """Record a bucket; a known one stays as it is."""
        if bucket in self._known:
            return
        folder = self._folder(bucket)
        for name in ("data", "meta"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "bucket.json", json.dumps(about | {"name": bucket}).encode())
        sync_folder(self._root)
        self._known.add(bucket)

    def delete_bucket(self, bucket: str) -> None:
        """Forget a bucket and whatever it holds; one that was never made is no error."""
        if bucket not in self._known:
            return
        self._known.discard(bucket)
        folder = self._folder(bucket)
        (folder / "bucket.json").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def commit(self, bucket: str, key: str, blob: Blob, about: dict[str, Any]) -> None:
        """Make an object durable: on return it survives a kill and a power cut.

        Args:
            bucket: a bucket made by create_bucket.
            key: any S3 key.
            blob: its bytes, staged now or committed before (then only ``about`` changes).
            about: JSON-serialisable facts, given back by ``objects``.
        """
        folder = self._folder(bucket)
        before = self.find(bucket, key)
        if blob.staged:
            _sync_file(blob.path)
            final = folder / "data" / blob.path.name
            blob.path.rename(final)
            blob.path, blob.staged = final, False
            sync_folder(final.parent)
        record = about | {"key": key, "blob": blob.path.name, "size": blob.size}
        write_atomically(self._meta(bucket, key), json.dumps(record).encode())
        if before and before["blob"] != blob.path.name:
            self._retire(folder / "data" / before["blob"])

    def remove(self, bucket: str, key: str) -> None:
        """Make a deletion durable; a missing object is no error."""
        before = self.find(bucket, key)
        if before:
            path = self._meta(bucket, key)
            path.unlink()
            sync_folder(path.parent)
            self._retire(self._folder(bucket) / "data" / before["blob"])

    def find(self, bucket: str, key: str) -> dict[str, Any] | None:
        """The record of one object as it is on disk now."""
        try:
            record: dict[str, Any] = json.loads(self._meta(bucket, key).read_bytes())
        except FileNotFoundError:
            return None
        return record

    def blob(self, bucket: str, record: dict[str, Any]) -> Blob:
        """The committed bytes that a record names."""
        path = self._folder(bucket) / "data" / record["blob"]
        return Blob(path, size=record["size"], staged=False)

    def buckets(self) -> Iterator[dict[str, Any]]:
        """Records of all buckets, by name."""
        for path in sorted(self._root.glob("*/bucket.json")):
            yield json.loads(path.read_bytes())

    def objects(self, bucket: str) -> Iterator[dict[str, Any]]:
        """Records of a bucket's objects whose bytes are there whole; sweeps up the rest."""
        folder = self._folder(bucket)
        named: set[str] = set()
        for path in (folder / "meta").iterdir():
            if path.suffix != ".json":
                path.unlink()  # a record that a kill left half written
                continue
            record = json.loads(path.read_bytes())
            data = folder / "data" / record["blob"]
            if not data.is_file() or data.stat().st_size != record["size"]:
                log.error("object %s of bucket %s lost its bytes", record["key"], bucket)
                continue
            named.add(record["blob"])
            yield record
        for data in (folder / "data").iterdir():
            if data.name not in named:
                data.unlink()

    def _folder(self, bucket: str) -> Path:
        # a dot is legal in a bucket's name and dangerous in a path
        return self._root / quote(bucket, safe="").replace(".", "%2E")

    def _meta(self, bucket: str, key: str) -> Path:
        return self._folder(bucket) / "meta" / f"{sha256(key.encode()).hexdigest()}.json"

    def _retire(self, path: Path) -> None:
        """Remove replaced bytes later: an answer may be about to read them."""
        old: list[Path] = []
        with self._retiring:
            now = time.monotonic()
            self._retired.append((now, path))
            while now - self._retired[0][0] > _KEEP_RETIRED_SECONDS:
                old.append(self._retired.popleft()[1])
        for replaced in old:
            replaced.unlink(missing_ok=True)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
