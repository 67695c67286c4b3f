"""Objects in one S3 bucket: the port and its S3 adapter (tests/fakes has one in memory)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from shared.errors import ConflictError, NotFoundError, UnavailableError
from shared.storage.aws_errors import translate_aws_errors

_NOT_FOUND_CODES = {"NoSuchKey", "404", "NotFound", "NoSuchBucket", "NoSuchVersion"}
_CONFLICT_CODES = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Key, ETag (no quotes) and size in bytes of one object."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """A form that uploads one object: POST ``fields`` to ``url``, then the bytes as ``file``."""

    url: str
    fields: Mapping[str, str]


class ObjectStore(Protocol):
    """The bucket operations that the application uses.

    Every method raises NotFoundError for a missing key, ConflictError when the condition of a put
    does not hold, and UnavailableError when the service does not answer.
    """

    bucket: str

    def open(self, key: str, *, etag: str | None = None) -> AbstractContextManager[BinaryIO]:
        """Stream an object; with ``etag``, raise NotFoundError if it has another version."""

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

    def sign_upload(self, key: str, *, max_bytes: int, seconds: int) -> SignedUpload:
        """Sign a form that may upload 1 to ``max_bytes`` bytes to this key for ``seconds``."""


def _translate_errors(subject: str) -> AbstractContextManager[None]:
    def refusal(code: str, _message: str) -> Exception:
        if code in _NOT_FOUND_CODES:
            return NotFoundError(f"{subject} does not exist")
        if code in _CONFLICT_CODES:
            return ConflictError(f"{subject} was changed by another writer")
        return UnavailableError(f"S3 refused {subject}: {code}")

    return translate_aws_errors(f"S3 did not answer for {subject}", refusal)


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
    def open(self, key: str, *, etag: str | None = None) -> Iterator[BinaryIO]:
        """See ObjectStore.open; the body is closed on leaving."""
        condition = {"IfMatch": etag} if etag else {}
        try:
            with _translate_errors(f"object {key}"):
                response = self._s3.get_object(Bucket=self.bucket, Key=key, **condition)
        except ConflictError as error:
            raise NotFoundError(f"object {key} now has another version") from error
        body = response["Body"]
        try:
            # a connection may also break while the caller reads
            with _translate_errors(f"object {key}"):
                yield cast("BinaryIO", body)
        finally:
            body.close()

    def get(self, key: str) -> tuple[bytes, ObjectInfo]:
        """See ObjectStore.get."""
        with _translate_errors(f"object {key}"):
            response = self._s3.get_object(Bucket=self.bucket, Key=key)
            body = response["Body"].read()
        return body, ObjectInfo(key, response["ETag"].strip('"'), len(body))

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
        with _translate_errors(f"object {key}"):
            self._s3.download_file(self.bucket, key, str(path))

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
