"""moto's S3 object and multipart upload, with the bytes in files instead of memory."""

import base64
import binascii
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

from moto.s3 import models
from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML, S3ClientError

from local.aws.blobs import Blob, DamagedBytesError, MappedFile
from local.aws.disk import DiskBuckets
from local.aws.records import ATTRIBUTES

log = logging.getLogger(__name__)


class StoredKey(models.FakeKey):  # type: ignore[misc]
    """One object, or one part of an upload; ``value`` is its memory-mapped file."""

    disk: DiskBuckets
    """Set by WriteThrough.install before any key is created."""

    blob: Blob

    @property
    def value(self) -> MappedFile | bytes:
        """The bytes, read from disk on access.

        Raises:
            S3ClientError: they are missing or damaged; NoSuchKey, so that nobody retries.
        """
        try:
            return self.blob.open()
        except DamagedBytesError as error:
            log.error("object %s in bucket %s: %s", self.name, self.bucket_name, error)  # noqa: TRY400
            message = f"Object {self.name} is damaged: {error}. Run `reviewlens check`."
            raise S3ClientError("NoSuchKey", message) from error

    @value.setter
    def value(self, new: bytes | MappedFile | Blob) -> None:
        if isinstance(new, Blob):
            self.blob = new
        else:
            self.blob, digest = self.disk.stage(new)
            self._etag: str | None = self._etag or digest
        self.contentsize = self.blob.size

    def __deepcopy__(self, _memo: dict[int, Any]) -> "StoredKey":
        """A copy for a list of versions; it shares the bytes, which never change."""
        twin: StoredKey = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def dispose(self, garbage: bool = False) -> None:  # noqa: ARG002, FBT001 - moto's signature
        """Remove bytes that were never committed; committed bytes stay on disk."""
        blob: Blob | None = getattr(self, "blob", None)
        if blob is not None:
            blob.discard()
        self.disposed = True

    def describe(self, tags: dict[str, str]) -> dict[str, Any]:
        """The object's attributes for its record on disk."""
        return {
            "etag": self.etag.strip('"'),
            "last_modified": self.last_modified.replace(tzinfo=UTC).isoformat(),
            "metadata": dict(self.metadata.items()),
            "storage_class": self.storage_class,
            "tags": tags,
            **{name: getattr(self, name, None) for name in ATTRIBUTES},
        }

    @classmethod
    def restore(cls, record: dict[str, Any], blob: Blob, bucket: models.FakeBucket) -> "StoredKey":
        """Recreate an object from its record: same ETag, times and metadata."""
        key = cls(
            name=record["key"],
            bucket_name=bucket.name,
            value=blob,
            account_id=bucket.account_id,
            region_name=bucket.region_name,
            storage=record["storage_class"],
            etag=record["etag"],
            version_id="null",
        )
        # moto uses naive UTC times
        key.last_modified = datetime.fromisoformat(record["last_modified"]).replace(tzinfo=None)
        key.set_metadata(dict(record["metadata"]))
        for name in ATTRIBUTES:
            setattr(key, name, record[name])
        return key


class StoredMultipart(models.FakeMultipart):  # type: ignore[misc]
    """A multipart upload whose parts are joined on disk, one at a time."""

    def complete(
        self, body: Iterator[tuple[int, str]]
    ) -> tuple[Blob, str, tuple[str, str, int] | None]:
        """Join the named parts.

        Returns:
            The bytes, the ETag that S3 gives a multipart object, and the checksum (type, base64,
            number of parts), None if its algorithm is not available here.
        """
        parts = [self._part(number, etag) for number, etag in body]
        if not parts:
            raise MalformedXML
        if any(part.contentsize < models.S3_UPLOAD_PART_MIN_SIZE for part in parts[:-1]):
            raise EntityTooSmall
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        etag = f"{md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        checksum = self._checksum(parts)
        blob, _ = StoredKey.disk.stage(*(part.value for part in parts))
        return blob, etag, checksum

    def _part(self, number: int, etag: str) -> StoredKey:
        part: StoredKey | None = self.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        return part

    def _checksum(self, parts: list[StoredKey]) -> tuple[str, str, int] | None:
        algorithm = self.metadata.get("x-amz-checksum-algorithm")
        kind = self.metadata.get("x-amz-checksum-type") or "COMPOSITE"
        if algorithm == "CRC32" and kind == "FULL_OBJECT":
            crc = 0
            for part in parts:
                crc = binascii.crc32(part.value, crc)
            return kind, base64.b64encode(crc.to_bytes(4, "big")).decode(), 1
        if algorithm in ("CRC32", "SHA1", "SHA256") and kind == "COMPOSITE":
            joined = b"".join(
                models.compute_checksum(part.value, algorithm, encode_base64=False)
                for part in parts
            )
            return kind, models.compute_checksum(joined, algorithm).decode(), len(parts)
        # no checksum is better than the wrong one that moto computes without the CRT library
        return None
