"""A dump in S3 as a stream that can go on at any byte."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, BinaryIO, cast

from lambdas.collection.blocks import BlockFile
from shared.storage.objects import ObjectStore


class RangedObject(io.RawIOBase):
    """One version of an object; ``seek`` requests the bytes from there on.

    After it, and after ``open_file``, the bytes are not compared with the checksum of the object:
    see ``is_partial``.
    """

    def __init__(self, store: ObjectStore, key: str, etag: str, stack: ExitStack) -> None:
        super().__init__()
        self._store, self._key, self._etag = store, key, etag
        self._stack = stack
        self._stream: BinaryIO = stack.enter_context(store.open(key, etag=etag))
        self.is_partial = False

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes."""
        return self._stream.read(size)

    def seekable(self) -> bool:
        """Whether ``seek`` is possible: always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on at a byte, counted from the first one."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("a position is counted from the first byte")
        self._stream.close()
        opened = self._store.open(self._key, etag=self._etag, start=offset)
        self._stream = self._stack.enter_context(opened)
        self.is_partial = True
        return offset

    def open_file(self, max_bytes: int) -> IO[bytes]:
        """Open the object as a file that is read anywhere, with so much space on the disk."""
        self.is_partial = True
        file = BlockFile(self._store, self._key, self._etag, max_bytes)
        return cast("IO[bytes]", self._stack.enter_context(file))


@contextmanager
def open_ranged(store: ObjectStore, key: str, etag: str) -> Iterator[RangedObject]:
    """Open one version of an object; errors are those of ObjectStore.open."""
    with ExitStack() as stack:
        yield RangedObject(store, key, etag, stack)
