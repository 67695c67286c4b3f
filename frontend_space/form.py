"""A multipart form whose file is streamed and counted."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

_CHUNK = 256 * 1024


class FormFile:
    """Fields first and the file last, as S3 wants it; never more than a chunk in memory."""

    def __init__(
        self,
        fields: Mapping[str, str],
        filename: str,
        file: BinaryIO,
        size: int,
        progress: Callable[[int], None],
    ) -> None:
        """Prepare it.

        Args:
            fields: what is signed.
            filename: told to the bucket, which does not use it.
            file: open at its beginning.
            size: its bytes.
            progress: told how many are sent.
        """
        self._file, self._size, self._progress = file, size, progress
        boundary = secrets.token_hex(16)
        parts = [_field(boundary, name, value) for name, value in fields.items()]
        told = filename.translate({ord('"'): "%22", 13: "%0D", 10: "%0A"})
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{told}"\r\n'
        self._head = "".join(parts).encode() + head.encode() + b"\r\n"
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            # S3 takes no chunked transfer
            "Content-Length": str(len(self._head) + size + len(self._tail)),
        }

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        sent = 0
        while sent < self._size and (chunk := self._file.read(min(_CHUNK, self._size - sent))):
            yield chunk
            sent += len(chunk)
            self._progress(sent)
        yield self._tail


def _field(boundary: str, name: str, value: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
