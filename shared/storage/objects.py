"""Objects in one S3 bucket: the port and its S3 adapter (tests/fakes has one in memory)."""

import builtins
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar, cast

from botocore.exceptions import FlexibleChecksumError

from shared.errors import (
    ConflictError,
    CorruptObjectError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
    report_full_disk,
)
from shared.storage.aws_errors import translate_aws_errors
from shared.storage.later_bytes import LaterBytes

_NOT_FOUND_CODES = {"NoSuchKey", "404", "NotFound", "NoSuchBucket", "NoSuchVersion"}
_CONFLICT_CODES = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_SHORTER_CODES = {"InvalidRange", "416"}
"""A large file is downloaded in ranges up to its size: its bytes end before."""
_FULL_CODES = {"StorageFull"}
"""Answer of the S3 of a stack on one machine."""
_READ_ATTEMPTS = 3
_CHUNK_BYTES = 1 << 20
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Key, ETag (no quotes) and size in bytes of one object."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One stored version of an object: its id, and its ETag (no quotes)."""

    version_id: str
    etag: str


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """A form that uploads one object: POST ``fields`` to ``url``, then the bytes as ``file``."""

    url: str
    fields: Mapping[str, str]


class ObjectStore(Protocol):
    """The bucket operations that the application uses.

    Every method raises NotFoundError for a missing key, ConflictError when the condition of a put
    does not hold, and UnavailableError when the service does not answer or refuses the request.
    Methods that read bytes raise CorruptObjectError if these do not match the stored checksum.
    """

    bucket: str

    def open(
        self, key: str, *, etag: str | None = None, start: int = 0, end: int | None = None
    ) -> AbstractContextManager[BinaryIO]:
        """Stream an object; with ``etag``, raise NotFoundError if it has another version.

        The checksum is compared at the end of the stream, unless it begins at a later byte than the
        first one, or ``end`` (the byte after the last one) is given, which is at most the size of
        the object. If the object ends before ``start``, the stream is empty.
        """

    def get(self, key: str) -> tuple[bytes, ObjectInfo]:
        """Read a whole object into memory."""

    def head(self, key: str) -> ObjectInfo:
        """Return an object's metadata without reading its body."""

    def put(
        self,
        key: str,
        body: bytes,
        *,
        if_match: str | None = None,
        if_absent: bool = False,
    ) -> ObjectInfo:
        """Write an object; ``if_match``/``if_absent`` make the put conditional."""

    def upload(self, key: str, path: Path) -> ObjectInfo:
        """Write an object from a file; large files are sent in parts."""

    def download(self, key: str, path: Path) -> None:
        """Write an object's bytes to the file ``path``."""

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """List all objects under a prefix whose keys follow ``after``, in key order."""

    def delete(self, key: str) -> None:
        """Delete an object; a missing object is not an error."""

    def versions(self, key: str) -> builtins.list[ObjectVersion]:
        """All versions of an object that the bucket keeps, also overwritten and deleted ones."""

    def delete_version(self, key: str, version_id: str) -> None:
        """Delete one version of an object for good; a missing one is not an error."""

    def copy(self, key: str, target: str) -> None:
        """Copy an object within the bucket, whether or not its bytes match its checksum."""

    def sign_upload(self, key: str, *, max_bytes: int, seconds: int) -> SignedUpload:
        """Sign a form that may upload 1 to ``max_bytes`` bytes to this key for ``seconds``."""


@contextmanager
def _translate_errors(subject: str) -> Iterator[None]:
    def refusal(code: str, _message: str) -> Exception:
        if code in _NOT_FOUND_CODES:
            return NotFoundError(f"{subject} does not exist")
        if code in _CONFLICT_CODES:
            return ConflictError(f"{subject} was changed by another writer")
        if code in _SHORTER_CODES:
            return CorruptObjectError(f"{subject} is corrupt: it has fewer bytes than its size")
        if code in _FULL_CODES:
            return StorageFullError(f"S3 has no space for {subject}")
        return UnavailableError(f"S3 refused {subject}: {code}")

    with translate_aws_errors(f"S3 did not answer for {subject}", refusal):
        try:
            yield
        except FlexibleChecksumError as error:
            message = f"{subject} is corrupt: its bytes do not match its checksum"
            raise CorruptObjectError(message) from error


def read_repeatedly(read: Callable[[], _T]) -> _T:
    """Call ``read`` up to three times: a wrong checksum may come from the network.

    Raises:
        CorruptObjectError: the checksum was wrong every time, so the stored bytes are corrupt.
    """
    for _ in range(_READ_ATTEMPTS - 1):
        with suppress(CorruptObjectError):
            return read()
    return read()


def read_through(store: ObjectStore, key: str, *, etag: str | None = None) -> None:
    """Read an object to its end, so that its checksum is compared.

    Raises:
        NotFoundError: there is no such object, or it has another version.
        CorruptObjectError: its bytes do not match its checksum.
    """

    def read() -> None:
        with store.open(key, etag=etag) as stream:
            while stream.read(_CHUNK_BYTES):
                pass

    read_repeatedly(read)


class S3Store:
    """The S3 adapter of ObjectStore."""

    def __init__(self, s3: Any, bucket: str, *, signer: Callable[[], Any] | None = None) -> None:
        """Wrap one bucket.

        Args:
            s3: boto3 client.
            bucket: name of the bucket.
            signer: returns the client that signs uploads; ``s3`` by default.
        """
        self._s3 = s3
        self._signer = signer or (lambda: s3)
        self.bucket = bucket

    @contextmanager
    def open(
        self, key: str, *, etag: str | None = None, start: int = 0, end: int | None = None
    ) -> Iterator[BinaryIO]:
        """See ObjectStore.open; the body is closed on leaving."""
        condition = {"IfMatch": etag} if etag else {}

        def request(**conditions: str) -> Any:
            arguments = {"Bucket": self.bucket, "Key": key, **condition, **conditions}
            try:
                with _translate_errors(f"object {key}"):
                    return self._s3.get_object(**arguments)["Body"]
            except ConflictError as error:
                raise NotFoundError(f"object {key} now has another version") from error

        if start or end is not None:
            body = LaterBytes(request, start, self.head(key).size if end is None else end)
        else:
            body = request()
        try:
            # a connection may also break while the caller reads
            with _translate_errors(f"object {key}"):
                yield cast("BinaryIO", body)
        finally:
            body.close()

    def get(self, key: str) -> tuple[bytes, ObjectInfo]:
        """See ObjectStore.get."""

        def read() -> tuple[bytes, ObjectInfo]:
            with _translate_errors(f"object {key}"):
                response = self._s3.get_object(Bucket=self.bucket, Key=key)
                body = response["Body"].read()
            return body, ObjectInfo(key, response["ETag"].strip('"'), len(body))

        return read_repeatedly(read)

    def head(self, key: str) -> ObjectInfo:
        """See ObjectStore.head."""
        with _translate_errors(f"object {key}"):
            response = self._s3.head_object(Bucket=self.bucket, Key=key)
        return ObjectInfo(key, response["ETag"].strip('"'), response["ContentLength"])

    def put(
        self,
        key: str,
        body: bytes,
        *,
        if_match: str | None = None,
        if_absent: bool = False,
    ) -> ObjectInfo:
        """See ObjectStore.put."""
        condition = {"IfMatch": if_match} if if_match else {}
        if if_absent:
            condition["IfNoneMatch"] = "*"
        with _translate_errors(f"object {key}"):
            response = self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, **condition)
        return ObjectInfo(key, response["ETag"].strip('"'), len(body))

    def upload(self, key: str, path: Path) -> ObjectInfo:
        """See ObjectStore.upload."""
        with _translate_errors(f"object {key}"):
            self._s3.upload_file(str(path), self.bucket, key)
        return self.head(key)

    def download(self, key: str, path: Path) -> None:
        """See ObjectStore.download."""

        def read() -> None:
            with (
                report_full_disk(f"object {key} cannot be downloaded"),
                _translate_errors(f"object {key}"),
            ):
                self._s3.download_file(self.bucket, key, str(path))

        read_repeatedly(read)

    def list(self, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """See ObjectStore.list."""
        with _translate_errors(f"the list of {prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix, **({"StartAfter": after} if after else {})
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    yield ObjectInfo(entry["Key"], entry["ETag"].strip('"'), entry["Size"])

    def delete(self, key: str) -> None:
        """See ObjectStore.delete."""
        with _translate_errors(f"object {key}"):
            self._s3.delete_object(Bucket=self.bucket, Key=key)

    def versions(self, key: str) -> builtins.list[ObjectVersion]:
        """See ObjectStore.versions; the list is in the order of keys, so it ends after this one."""
        versions = []
        with _translate_errors(f"the versions of {key}"):
            pages = self._s3.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=key
            )
            for page in pages:
                entries = page.get("Versions", [])
                versions += [
                    ObjectVersion(entry["VersionId"], entry["ETag"].strip('"'))
                    for entry in entries
                    if entry["Key"] == key
                ]
                if entries and entries[-1]["Key"] != key:
                    break
        return versions

    def delete_version(self, key: str, version_id: str) -> None:
        """See ObjectStore.delete_version."""
        with _translate_errors(f"object {key}"), suppress(NotFoundError):
            self._s3.delete_object(Bucket=self.bucket, Key=key, VersionId=version_id)

    def copy(self, key: str, target: str) -> None:
        """See ObjectStore.copy."""
        source = {"Bucket": self.bucket, "Key": key}
        with _translate_errors(f"object {key}"):
            self._s3.copy_object(Bucket=self.bucket, Key=target, CopySource=source)

    def sign_upload(self, key: str, *, max_bytes: int, seconds: int) -> SignedUpload:
        """See ObjectStore.sign_upload."""
        with _translate_errors(f"object {key}"):
            form = self._signer().generate_presigned_post(
                self.bucket,
                key,
                Conditions=[["content-length-range", 1, max_bytes]],
                ExpiresIn=seconds,
            )
        return SignedUpload(form["url"], form["fields"])
