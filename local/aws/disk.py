"""Buckets on disk, so that S3 survives a kill. Independent of moto.

``<root>/<bucket>/data/<id>`` holds the bytes of one object and ``<root>/<bucket>/meta/<hash>.json``
its record: everything else, including the key (a key can be too long for a file name or contain
slashes and dots). ``copies/<hash>.json`` repeats the record. Renaming the record into place is what
changes the object, so a kill leaves either the old object or the new one. Bytes go from ``.staged``
to ``data`` after their record is written, and get the suffix ``.retired`` before it is replaced:
bytes in ``data`` without a record are never leftovers, but an object whose record is lost.
"""

import shutil
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from local.aws.blobs import RETIRED, Blob, MappedFile
from local.aws.records import content_md5, decode_record, default_attributes, record_name
from local.aws.recovery import recover
from local.checked import DamagedFileError, encode
from local.files import sync_path, write_atomically
from local.quarantine import Quarantine

_RETENTION_SECONDS = 60.0
_RETIREMENT_SPARE_SECONDS = 0.1


class DiskBuckets:
    """All buckets below one folder.

    Only one process may write, and calls for the same key must not overlap.
    """

    def __init__(self, root: Path, quarantine: Quarantine | None = None) -> None:
        """Open the buckets: recover damaged records, and remove leftovers of killed writes.

        Args:
            root: folder of the buckets.
            quarantine: takes damaged files; by default the folder ``quarantine`` beside ``root``.
        """
        self._root = root
        self._quarantine = quarantine or Quarantine.beside(root)
        self._staging = root / ".staged"
        self._retired: deque[tuple[float, Path]] = deque()
        self._retired_lock = threading.Lock()
        self._retirement: threading.Timer | None = None
        self._buckets = recover(root, self._staging, self._quarantine)
        self._bucket_names = {bucket["name"] for bucket in self._buckets}
        shutil.rmtree(self._staging, ignore_errors=True)
        self._staging.mkdir(parents=True)

    def stage(self, *parts: bytes | MappedFile) -> tuple[Blob, str]:
        """Write bytes to the staging folder; see ``stage_all``."""
        return self.stage_all(parts)

    def stage_all(self, parts: Iterable[bytes | MappedFile]) -> tuple[Blob, str]:
        """Write bytes to the staging folder, one part at a time.

        Returns:
            The blob and the MD5 of its bytes in hex: the ETag that S3 gives a single-part object.
        """
        path = self._staging / uuid4().hex
        digest = md5(usedforsecurity=False)
        size = 0
        try:
            with path.open("wb") as file:
                for part in parts:
                    file.write(part)
                    digest.update(part)
                    size += len(part)
        except BaseException:
            path.unlink(missing_ok=True)  # on a full disk, every byte counts
            raise
        checksum = digest.hexdigest()
        return Blob(path, size=size, staged=True, md5=checksum), checksum

    def create_bucket(self, bucket: str, attributes: dict[str, Any]) -> None:
        """Create a bucket; an existing one is not changed."""
        if bucket in self._bucket_names:
            return
        folder = self._folder(bucket)
        for name in ("data", "meta", "copies"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "bucket.json", encode(attributes | {"name": bucket}))
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
            sync_path(self._staging)
        is_replaced = before is not None and before["blob"] != blob.path.name
        retired = _mark_retired(folder, before) if before and is_replaced else None
        stored = {"key": key, "blob": blob.path.name, "size": blob.size, "content_md5": blob.md5}
        body = encode(attributes | stored)
        name = f"{record_name(key)}.json"
        (folder / "copies" / name).write_bytes(body)  # not synced: the record is
        write_atomically(folder / "meta" / name, body)
        if blob.staged:
            blob.path = blob.path.rename(folder / "data" / blob.path.name)
            blob.staged = False
        if retired:
            self._retire(retired)

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object durably; does nothing if it does not exist."""
        before = self.read_record(bucket, key)
        if before:
            folder = self._folder(bucket)
            retired = _mark_retired(folder, before)
            path = self._record_path(bucket, key)
            path.unlink()
            sync_path(path.parent)
            (folder / "copies" / path.name).unlink(missing_ok=True)
            self._retire(retired)

    def set_apart(self, bucket: str, key: str, reason: str) -> None:
        """Put an object into quarantine: its record and its bytes; it does not exist any more."""
        record, path = self.read_record(bucket, key), self._record_path(bucket, key)
        if record:
            folder = self._folder(bucket)
            for each in (path, folder / "copies" / path.name, folder / "data" / record["blob"]):
                if each.is_file():
                    self._quarantine.move(each, reason)
            sync_path(path.parent)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Store a small object with default attributes."""
        blob, etag = self.stage(body)
        self.commit(bucket, key, blob, default_attributes(etag))

    def read_record(self, bucket: str, key: str) -> dict[str, Any] | None:
        """The record of one object on disk, None if there is none or it is damaged."""
        path = self._record_path(bucket, key)
        try:
            return decode_record(path.read_bytes(), path.stem)
        except FileNotFoundError:
            return None
        except DamagedFileError as error:
            self._quarantine.move(path, f"record of object {key} in bucket {bucket}: {error}")
            self._quarantine.report(f"The record of object {key} in bucket {bucket} was damaged.")
            return None

    def blob(self, bucket: str, record: dict[str, Any]) -> Blob:
        """The committed bytes that a record refers to."""
        path = self._folder(bucket) / "data" / record["blob"]
        return Blob(path, size=record["size"], staged=False, md5=content_md5(record))

    def buckets(self) -> Iterator[dict[str, Any]]:
        """Descriptions of the buckets found when this object was created, sorted by name."""
        yield from self._buckets

    def objects(self, bucket: str) -> Iterator[dict[str, Any]]:
        """Records of a bucket's objects."""
        for path in sorted((self._folder(bucket) / "meta").glob("*.json")):
            yield decode_record(path.read_bytes(), path.stem)

    def _folder(self, bucket: str) -> Path:
        # a dot is allowed in a bucket name but unsafe in a path
        return self._root / quote(bucket, safe="").replace(".", "%2E")

    def _record_path(self, bucket: str, key: str) -> Path:
        return self._folder(bucket) / "meta" / f"{record_name(key)}.json"

    def _retire(self, path: Path) -> None:
        """Remove replaced bytes after a delay: a response may still be about to read them."""
        with self._retired_lock:
            self._retired.append((time.monotonic(), path))
        self._remove_expired()

    def _remove_expired(self) -> None:
        """Remove the bytes whose delay has passed, and come back for the others."""
        expired: list[Path] = []
        with self._retired_lock:
            now = time.monotonic()
            while self._retired and now - self._retired[0][0] > _RETENTION_SECONDS:
                expired.append(self._retired.popleft()[1])
            if self._retired and self._retirement is None:
                delay = self._retired[0][0] + _RETENTION_SECONDS - now + _RETIREMENT_SPARE_SECONDS
                self._retirement = threading.Timer(delay, self._retire_later)
                self._retirement.daemon = True
                self._retirement.start()
        for old_path in expired:
            old_path.unlink(missing_ok=True)

    def _retire_later(self) -> None:
        with self._retired_lock:
            self._retirement = None
        self._remove_expired()


def _mark_retired(folder: Path, record: dict[str, Any]) -> Path:
    path = folder / "data" / str(record["blob"])
    retired = path.with_name(path.name + RETIRED)
    with suppress(FileNotFoundError):  # a failed commit marked it, or the bytes are lost
        path.rename(retired)
    return retired
