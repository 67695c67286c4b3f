"""Uploads: a dump goes to the bucket in a signed form; the file is streamed and never held."""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import anyio.to_thread
import httpx

from reviewlens.core import CONNECT_SECONDS, LOOPBACK, Core
from reviewlens.errors import UploadError
from shared.schemas.collection import UploadTarget

Progress = Callable[[int], None]
"""Called with the number of bytes that are sent so far."""
_CHUNK_BYTES = 256 * 1024
_TIMEOUT = httpx.Timeout(300.0, connect=CONNECT_SECONDS)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_S3 = re.compile(r"(^|\.)s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?$")


def ignore_progress(_sent: int) -> None:
    """Ignore progress."""


def file_size(path: Path) -> int:
    """Bytes of a dump.

    Raises:
        UploadError: it is empty or cannot be read.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UploadError(f"The file cannot be read ({error.strerror}).") from error
    if size == 0:
        raise UploadError("The file is empty.")
    return size


def check_target(core: Core, target: UploadTarget, size: int) -> None:
    """Make sure that the bytes go to the bucket of the API and nowhere else.

    An API on loopback has its bucket on loopback; any other API has it in S3, over TLS, or takes
    uploads at its own origin.

    Raises:
        UploadError: the target is elsewhere, or does not accept a file of this size.
    """
    parts = urlsplit(target.url)
    host = parts.hostname or ""
    is_bucket = _origin(target.url) == _origin(core.url) is not None
    if core.is_local:
        is_bucket |= parts.scheme in {"http", "https"} and host in LOOPBACK
    else:
        is_bucket |= parts.scheme == "https" and bool(_S3.search(host))
    if not is_bucket or parts.username or target.fields.get("key") != target.key:
        raise UploadError("The API named a place for the file that is not its own bucket.")
    if size > target.max_bytes:
        raise UploadError(f"The file is longer than the {target.max_bytes:,} bytes allowed.")


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a URL; None if it has not all of them."""
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port else None


def transfer_options(core: Core) -> dict[str, Any]:
    """Arguments for the httpx client of a transfer: one of its own, without the API key."""
    return {"timeout": _TIMEOUT, "follow_redirects": False, "trust_env": not core.is_local}


def check_response(response: httpx.Response) -> None:
    """Raise UploadError unless the bucket accepted the file."""
    if response.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
        message = "The disk of the bucket is full. Free some space, then repeat the upload."
        raise UploadError(message)
    if not response.is_success:
        raise UploadError(f"The bucket did not accept the file (HTTP {response.status_code}).")


class FormFile:
    """A multipart form with its fields first and the file last, as S3 requires.

    Iterating sends it from the file's beginning; no more than a chunk is in memory.
    """

    def __init__(
        self,
        fields: Mapping[str, str],
        filename: str,
        file: BinaryIO,
        size: int,
        progress: Progress,
    ) -> None:
        """Prepare the form.

        Args:
            fields: the signed fields.
            filename: a name for the file, which S3 does not use.
            file: open at its beginning.
            size: number of its bytes.
            progress: called after each chunk.
        """
        self._file, self._size, self._progress = file, size, progress
        boundary = secrets.token_hex(16)
        parts = [_field(boundary, name, value) for name, value in fields.items()]
        name = filename.translate({ord('"'): "%22", 13: "%0D", 10: "%0A"})
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        self._head = "".join(parts).encode() + head.encode() + b"\r\n"
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            # S3 accepts no chunked transfer
            "Content-Length": str(len(self._head) + size + len(self._tail)),
        }

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        sent = 0
        while chunk := self._file.read(min(_CHUNK_BYTES, self._size - sent)):
            yield chunk
            sent += len(chunk)
            self._progress(sent)
        yield self._tail

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self)
        while (chunk := await anyio.to_thread.run_sync(next, chunks, None)) is not None:
            yield chunk


def _field(boundary: str, name: str, value: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
