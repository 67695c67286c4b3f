"""The bytes of one object in a file, mapped into memory when they are read."""

import mmap
import time
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

RETIRED = ".retired"
"""Suffix of replaced or deleted bytes, which a response may still be about to read."""
_CHUNK_BYTES = 1 << 20
_MAX_VERIFIED_BYTES = 64 << 20
"""Larger files are verified by ``reviewlens check`` only: the first reader would wait too long."""
_MOVE_ATTEMPTS = 20
_MOVE_RETRY_SECONDS = 0.005


class DamagedBytesError(Exception):
    """The bytes of an object are missing, or differ from those that were stored."""


class MappedFile(mmap.mmap):
    """A read-only memory-mapped file; iterates in chunks."""

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]
        """Chunks of one mebibyte, as a WSGI server needs them."""
        for start in range(0, len(self), _CHUNK_BYTES):
            yield self[start : start + _CHUNK_BYTES]


class Blob:
    """The bytes of one object; on commit they move from the staging folder to the bucket.

    Bytes of an earlier run are compared with their MD5 when they are read first.
    """

    def __init__(self, path: Path, *, size: int, staged: bool, md5: str | None) -> None:
        self.path = path
        self.size = size
        self.staged = staged
        self.md5 = md5
        self._verified = staged or md5 is None or size > _MAX_VERIFIED_BYTES

    def open(self) -> MappedFile | bytes:
        """Map the bytes.

        Raises:
            DamagedBytesError: the file is missing or damaged.
        """
        if self.size == 0:
            return b""
        mapped = self._map()
        if not self._verified:
            if file_md5(mapped) != self.md5:
                raise DamagedBytesError("its bytes do not match their checksum")
            self._verified = True
        return mapped

    def _map(self) -> MappedFile:
        """Map the file; retried, because a concurrent commit may move it."""
        for _ in range(_MOVE_ATTEMPTS):
            path = self.path
            for place in (path, path.with_name(path.name + RETIRED)):
                try:
                    with place.open("rb") as file:
                        return MappedFile(file.fileno(), self.size, access=mmap.ACCESS_READ)
                except FileNotFoundError:
                    continue
                except ValueError as error:  # the file is shorter than the mapping
                    raise DamagedBytesError("its bytes are cut off") from error
            time.sleep(_MOVE_RETRY_SECONDS)
        raise DamagedBytesError("its bytes are missing")

    def discard(self) -> None:
        """Remove bytes that were never committed."""
        if self.staged:
            self.path.unlink(missing_ok=True)


def file_md5(mapped: MappedFile | bytes) -> str:
    """MD5 (hex) of bytes; against accidents, not against attacks."""
    digest = md5(usedforsecurity=False)
    if isinstance(mapped, bytes):
        digest.update(mapped)
    else:
        for chunk in mapped:
            digest.update(chunk)
    return digest.hexdigest()
