"""Reads the objects of a bucket from its folder, without S3; also while a stack runs on it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from local.aws.blobs import RETIRED
from local.aws.records import decode_record, record_name
from local.checked import DamagedFileError
from shared.errors import CorruptObjectError, NotFoundError
from shared.storage.objects import ObjectInfo, ObjectStore

Record = dict[str, Any]


class BucketReader:
    """The reading half of ObjectStore on one bucket folder, as it was when this was created.

    An object that was replaced since can be read for a minute, then it is read in its new version.
    """

    def __init__(self, root: Path, bucket: str) -> None:
        """List the bucket; ``damaged`` names the files of records that cannot be used."""
        self.bucket = bucket
        self._folder = root / quote(bucket, safe="").replace(".", "%2E")
        self.damaged: dict[str, str] = {}
        self.records: dict[str, Record] = {}
        for path in (self._folder / "meta").glob("*.json"):
            record = self._read(path)
            if record is not None:
                self.records[record["key"]] = record

    def _read(self, path: Path) -> Record | None:
        try:
            return decode_record(path.read_bytes(), path.stem)
        except FileNotFoundError:
            return None  # deleted
        except DamagedFileError as error:
            self.damaged[str(path)] = str(error)
            return None

    @contextmanager
    def open(self, key: str, *, etag: str | None = None) -> Iterator[BinaryIO]:
        """See ObjectStore.open; CorruptObjectError if the file is missing or of another size."""
        record = self._record(key)
        if etag is not None and record["etag"] != etag:
            raise NotFoundError(f"object {key} now has another version")
        with self._open_bytes(record) as stream:
            yield stream

    def _open_bytes(self, record: Record) -> BinaryIO:
        key = record["key"]
        stream = self._try_open(record)
        if stream is None:
            replaced = self._read(self._folder / "meta" / f"{record_name(key)}.json")
            if replaced is None:
                self.records.pop(key, None)
                raise NotFoundError(f"object {key} was deleted")
            self.records[key] = record = replaced
            stream = self._try_open(record)
        if stream is None:
            raise CorruptObjectError(f"object {key} has no bytes")
        size = stream.seek(0, 2)
        stream.seek(0)
        if size != record["size"]:
            stream.close()
            raise CorruptObjectError(f"object {key} has {size} of {record['size']} bytes")
        return stream

    def _try_open(self, record: Record) -> BinaryIO | None:
        path: Path = self._folder / "data" / record["blob"]
        staged: Path = self._folder.parent / ".staged" / record["blob"]
        for place in (path, staged, path.with_name(path.name + RETIRED), path):
            with suppress(FileNotFoundError):
                return place.open("rb")
        return None

    def _record(self, key: str) -> Record:
        try:
            return self.records[key]
        except KeyError as error:
            raise NotFoundError(f"object {key} does not exist") from error

    def get(self, key: str) -> tuple[bytes, ObjectInfo]:
        """See ObjectStore.get."""
        with self.open(key) as stream:
            return stream.read(), self.head(key)

    def head(self, key: str) -> ObjectInfo:
        """See ObjectStore.head."""
        record = self._record(key)
        return ObjectInfo(key, record["etag"], record["size"])

    def download(self, key: str, path: Path) -> None:
        """See ObjectStore.download."""
        with self.open(key) as stream, path.open("wb") as file:
            shutil.copyfileobj(stream, file)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """See ObjectStore.list."""
        for key in sorted(self.records):
            if key.startswith(prefix) and key > after:
                yield self.head(key)

    @property
    def store(self) -> ObjectStore:
        """This reader, for code that only reads."""
        return cast("ObjectStore", self)
