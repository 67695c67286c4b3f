"""A compressed dump as text in S3, so that workers can begin in the middle of it.

It is written while the dump is planned, in pieces of one size, and is deleted when all is stored.
"""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from lambdas.collection.dependencies import Dependencies
from shared.errors import CorruptObjectError
from shared.storage import layout
from shared.storage.objects import ObjectStore

PIECE_BYTES = 32 * 2**20


class TextWriter:
    """Writes the text of one dump."""

    def __init__(self, dependencies: Dependencies, ingest_id: str) -> None:
        self._store, self._ingest_id = dependencies.clean, ingest_id
        self._pieces = 0
        self.size = 0
        """Bytes of text so far."""

    def copy(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass chunks on; what was passed on is written, at the latest at their end."""
        piece = bytearray()
        for chunk in chunks:
            piece += chunk
            self.size += len(chunk)
            while len(piece) >= PIECE_BYTES:
                self._write(piece[:PIECE_BYTES])
                del piece[:PIECE_BYTES]
            yield chunk
        if piece:
            self._write(piece)

    def _write(self, piece: bytearray) -> None:
        self._store.put(_piece_key(self._ingest_id, self._pieces), bytes(piece))
        self._pieces += 1


class _Text(io.RawIOBase):
    """The text as a stream that can go on at any byte."""

    def __init__(self, store: ObjectStore, ingest_id: str, size: int) -> None:
        super().__init__()
        self._store, self._ingest_id, self._size = store, ingest_id, size
        self._position = 0
        self._stack = ExitStack()
        self._piece: BinaryIO | None = None

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes."""
        while self._position < self._size:
            if self._piece is None:
                number, start = divmod(self._position, PIECE_BYTES)
                opened = self._store.open(_piece_key(self._ingest_id, number), start=start)
                self._piece = self._stack.enter_context(opened)
            if data := self._piece.read(size):
                self._position += len(data)
                return data
            self._leave()
            if self._position % PIECE_BYTES and self._position < self._size:
                raise CorruptObjectError("a piece of the text of the dump is too short")
        return b""

    def seekable(self) -> bool:
        """Whether ``seek`` is possible: always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on at a byte, counted from the first one."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("a position is counted from the first byte")
        self._leave()
        self._position = offset
        return offset

    def close(self) -> None:
        """Close the piece that is being read."""
        self._leave()
        super().close()

    def _leave(self) -> None:
        self._stack.close()
        self._piece = None


@contextmanager
def open_text(dependencies: Dependencies, ingest_id: str, size: int) -> Iterator[_Text]:
    """Open the text of a dump; errors are those of ObjectStore.open, while it is read."""
    with _Text(dependencies.clean, ingest_id, size) as text:
        yield text


def has_text(dependencies: Dependencies, ingest_id: str, size: int) -> bool:
    """Whether all pieces of the text are there."""
    sizes = [info.size for info in dependencies.clean.list(layout.text_prefix(ingest_id))]
    return sum(sizes) == size


def delete_text(dependencies: Dependencies, ingest_id: str) -> None:
    """Delete the text, if there is one."""
    for info in list(dependencies.clean.list(layout.text_prefix(ingest_id))):
        dependencies.clean.delete(info.key)


def _piece_key(ingest_id: str, number: int) -> str:
    return f"{layout.text_prefix(ingest_id)}{number:05d}"
