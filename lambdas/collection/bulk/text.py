"""A compressed dump, or the members of an archive, as text in S3: workers can begin in its middle.

It is written while the dump is planned, in pieces of one size, and is deleted when all is stored.
Members of an archive follow each other without a gap.
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
        self._piece = bytearray()
        self._pieces = 0
        self.size = 0
        """Bytes of text so far."""

    def copy(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass chunks on, and write them; see ``finish``."""
        for chunk in chunks:
            self._piece += chunk
            self.size += len(chunk)
            while len(self._piece) >= PIECE_BYTES:
                self._write(self._piece[:PIECE_BYTES])
                del self._piece[:PIECE_BYTES]
            yield chunk

    def finish(self) -> None:
        """Write what is left."""
        if self._piece:
            self._write(self._piece)

    def _write(self, piece: bytearray) -> None:
        self._store.put(_piece_key(self._ingest_id, self._pieces), bytes(piece))
        self._pieces += 1


class _Text(io.RawIOBase):
    """A part of the text as a stream that can go on at any byte."""

    def __init__(self, store: ObjectStore, ingest_id: str, start: int, end: int) -> None:
        super().__init__()
        self._store, self._ingest_id = store, ingest_id
        self._start, self._end = start, end
        self._position = start
        self._stack = ExitStack()
        self._piece: BinaryIO | None = None

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes."""
        while self._position < self._end:
            if self._piece is None:
                number, start = divmod(self._position, PIECE_BYTES)
                opened = self._store.open(_piece_key(self._ingest_id, number), start=start)
                self._piece = self._stack.enter_context(opened)
            left = self._end - self._position
            if data := self._piece.read(left if size < 0 else min(size, left)):
                self._position += len(data)
                return data
            self._leave()
            if self._position % PIECE_BYTES:
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
        self._position = self._start + offset
        return offset

    def close(self) -> None:
        """Close the piece that is being read."""
        self._leave()
        super().close()

    def _leave(self) -> None:
        self._stack.close()
        self._piece = None


@contextmanager
def open_text(dependencies: Dependencies, ingest_id: str, start: int, end: int) -> Iterator[_Text]:
    """Open a part of the text; errors are those of ObjectStore.open, while it is read."""
    with _Text(dependencies.clean, ingest_id, start, end) as text:
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
