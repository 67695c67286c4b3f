"""An object in S3 as a file that is read anywhere, for formats that need one."""

import io
import os
import tempfile
from collections import OrderedDict
from typing import cast

from shared.errors import CorruptObjectError, UnavailableError, report_full_disk
from shared.storage.objects import ObjectStore

BLOCK_BYTES = 4 * 2**20
_MIN_BLOCKS = 16


class BlockFile(io.RawIOBase):
    """One version of an object; blocks of it are copied to the disk when they are needed.

    The bytes are not compared with the checksum of the object. Errors are those of
    ObjectStore.open, CorruptObjectError if the object is shorter than its size, and
    StorageFullError.
    """

    def __init__(self, store: ObjectStore, key: str, etag: str, max_bytes: int) -> None:
        """Open an object, without reading it.

        Args:
            store: its bucket.
            key: its key.
            etag: its version.
            max_bytes: space on the disk; the blocks that were used last are kept in it.
        """
        super().__init__()
        self._store, self._key, self._etag = store, key, etag
        self._size = store.head(key).size
        self._position = 0
        self._copy = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with this file
        self._places: OrderedDict[int, int] = OrderedDict()
        """The place on the disk of each block, in the order in which they were used."""
        self._max_blocks = max(_MIN_BLOCKS, max_bytes // BLOCK_BYTES)

    def readable(self) -> bool:
        """Whether ``read`` is possible: always."""
        return True

    def seekable(self) -> bool:
        """Whether ``seek`` is possible: always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on at a byte, counted from the first one, from here, or from the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("the position is before the first byte")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """The next byte to be read."""
        return self._position

    def readinto(self, buffer: object) -> int:
        """Fill a buffer; returns fewer bytes only at the end."""
        target = memoryview(cast("bytearray", buffer)).cast("B")
        filled = 0
        while filled < len(target) and self._position < self._size:
            number, start = divmod(self._position, BLOCK_BYTES)
            wanted = min(len(target) - filled, self._length(number) - start)
            at = self._place(number) * BLOCK_BYTES + start
            try:
                count = os.preadv(self._copy.fileno(), [target[filled : filled + wanted]], at)
            except OSError as error:  # not of the object, whose parser would call it damaged
                raise UnavailableError("a temporary file cannot be read") from error
            if not count:
                raise UnavailableError("a temporary file is too short")
            filled += count
            self._position += count
        return filled

    def close(self) -> None:
        """Delete the copies."""
        self._copy.close()
        super().close()

    def _length(self, number: int) -> int:
        return min(BLOCK_BYTES, self._size - number * BLOCK_BYTES)

    def _place(self, number: int) -> int:
        """Where a block is on the disk; one that is missing is read, and may replace another."""
        place = self._places.pop(number, None)
        if place is None:
            body = self._read(number)
            is_full = len(self._places) >= self._max_blocks
            place = self._places.popitem(last=False)[1] if is_full else len(self._places)
            with report_full_disk("a part of the object cannot be copied to a temporary file"):
                self._copy.seek(place * BLOCK_BYTES)
                rest = memoryview(body)
                while rest:
                    rest = rest[self._copy.write(rest) :]
        self._places[number] = place
        return place

    def _read(self, number: int) -> bytes:
        start, length = number * BLOCK_BYTES, self._length(number)
        body = bytearray()
        with self._store.open(self._key, etag=self._etag, start=start, end=start + length) as part:
            while piece := part.read(length - len(body)):
                body += piece
        if len(body) < length:
            raise CorruptObjectError(f"object {self._key} has fewer bytes than its size")
        return bytes(body)
