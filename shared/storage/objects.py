"""Objects in one S3 bucket: the port and its S3 adapter (tests/fakes holds the in-memory one)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import ConflictError, NotFoundError, UnavailableError

_MISSING = {"NoSuchKey", "404", "NotFound", "NoSuchBucket", "NoSuchVersion"}
_LOST_RACE = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Key, ETag (no quotes) and size in bytes of one object."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """A form that puts one object: POST ``fields`` to ``url``, and the bytes last, as ``file``."""

    url: str
    fields: Mapping[str, str]


class ObjectStore(Protocol):
    """What the application asks of a bucket.

    Every method raises NotFoundError for a missing key, ConflictError for a conditional put that
    lost, and UnavailableError when the service does not answer.
    """

    bucket: str

    def open(self, key: str, *, etag: str | None = None) -> AbstractContextManager[BinaryIO]:
        """Stream an object; with ``etag``, only that version of it (else NotFoundError)."""

    def get(self, key: str) -> tuple[bytes, ObjectInfo]:
        """Read a small object whole."""

    def head(self, key: str) -> ObjectInfo:
        """Describe an object without reading it."""

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
        """Write an object from a file, in parts where it is large."""

    def download(self, key: str, path: Path) -> None:
        """Write an object's bytes to ``path``."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """All objects under a prefix, in key order."""

    def delete(self, key: str) -> None:
        """Delete an object; a missing one is no error."""

    def sign_upload(self, key: str, *, max_bytes: int, seconds: int) -> SignedUpload:
        """Let whoever has the result put this key, 1 to ``max_bytes`` long, for ``seconds``."""


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn botocore's errors into the family of errors.py."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _MISSING:
            raise NotFoundError(f"{what} does not exist") from error
        if code in _LOST_RACE:
            raise ConflictError(f"{what} was changed by another writer") from error
        raise UnavailableError(f"S3 refused {what}: {code}") from error
    except BotoCoreError as error:
        raise UnavailableError(f"S3 did not answer for {what}") from error


class S3Store:
    """The S3 adapter of ObjectStore."""

    def __init__(self, s3: Any, bucket: str, *, signer: Callable[[], Any] | None = None) -> None:
        """Prepare it.

        Args:
            s3: a boto3 client.
            bucket: name of the bucket.
            signer: makes the client that signs uploads; the same one where none is given.
        """
        self._s3 = s3
        self._signer = signer or (lambda: s3)
        self.bucket = bucket

    @contextmanager
    def open(self, key: str, *, etag: str | None = None) -> Iterator[BinaryIO]:
        """See ObjectStore.open; the body is closed on leaving."""
        condition = {"IfMatch": etag} if etag else {}
        try:
            with _translated(f"object {key}"):
                answer = self._s3.get_object(Bucket=self.bucket, Key=key, **condition)
        except ConflictError as error:
            raise NotFoundError(f"object {key} has another version now") from error
        body = answer["Body"]
        try:
            # a connection that breaks while the caller reads is S3 not answering, too
            with _translated(f"object {key}"):
                yield cast("BinaryIO", body)
        finally:
            body.close()

    def get(self, key: str) -> tuple[bytes, ObjectInfo]:
        """See ObjectStore.get."""
        with _translated(f"object {key}"):
            answer = self._s3.get_object(Bucket=self.bucket, Key=key)
            body = answer["Body"].read()
        return body, ObjectInfo(key, answer["ETag"].strip('"'), len(body))

    def head(self, key: str) -> ObjectInfo:
        """See ObjectStore.head."""
        with _translated(f"object {key}"):
            answer = self._s3.head_object(Bucket=self.bucket, Key=key)
        return ObjectInfo(key, answer["ETag"].strip('"'), answer["ContentLength"])

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
        with _translated(f"object {key}"):
            answer = self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, **condition)
        return ObjectInfo(key, answer["ETag"].strip('"'), len(body))

    def upload(self, key: str, path: Path) -> ObjectInfo:
        """See ObjectStore.upload."""
        with _translated(f"object {key}"):
            self._s3.upload_file(str(path), self.bucket, key)
        return self.head(key)

    def download(self, key: str, path: Path) -> None:
        """See ObjectStore.download."""
        with _translated(f"object {key}"):
            self._s3.download_file(self.bucket, key, str(path))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ObjectStore.list."""
        with _translated(f"list of {prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    yield ObjectInfo(entry["Key"], entry["ETag"].strip('"'), entry["Size"])

    def delete(self, key: str) -> None:
        """See ObjectStore.delete."""
        with _translated(f"object {key}"):
            self._s3.delete_object(Bucket=self.bucket, Key=key)

    def sign_upload(self, key: str, *, max_bytes: int, seconds: int) -> SignedUpload:
        """See ObjectStore.sign_upload."""
        with _translated(f"object {key}"):
            signed = self._signer().generate_presigned_post(
                self.bucket,
                key,
                Conditions=[["content-length-range", 1, max_bytes]],
                ExpiresIn=seconds,
            )
        return SignedUpload(signed["url"], signed["fields"])
