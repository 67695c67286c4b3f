"""Reads tar archives as a stream: headers and contents pass by once, in bounded memory."""

import re
from collections.abc import Iterator
from itertools import chain

from lambdas.collection.reading.records import Entry, StreamState
from shared.errors import IngestError

BLOCK = 512
_MAX_HEADER_BYTES = 2**20
"""Largest extended header (pax attributes, long names)."""
_MAX_LENGTH_DIGITS = 9
_USED_ATTRIBUTES = frozenset({b"path", b"size"})
_SIZE = re.compile(r"[0-9]{1,19}")
_REGULAR, _SPARSE = (b"\0", b"0", b"7"), b"S"
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"
_KINDS = {
    b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a pipe",
    b"S": "a sparse file",
}  # fmt: skip


def is_tar(head: bytes) -> bool:
    """Return whether the bytes start with a tar header: ustar, or a valid checksum (v7)."""
    if head[257:262] == b"ustar":
        return True
    return len(head) >= BLOCK and head[:1] not in (b"\0", b"") and _has_checksum(head[:BLOCK])


def read_tar(chunks: Iterator[bytes], state: StreamState) -> Iterator[Entry]:
    """Yield the members in order; each is valid until the next.

    A truncated or damaged archive ends early and is marked in ``state``.

    Raises:
        IngestError: archive_unsupported if the first header is damaged or an extended header is
            too long.
    """
    source = _Source(chunks, state)
    attributes: dict[str, str] = {}
    is_first = True
    while header := source.header(is_first=is_first):
        is_first = False
        kind, size = header[156:157], _number(header[124:136])
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            body = source.extended(size)
            if kind == _LONG_NAME:
                attributes["path"] = _text(body)
            elif kind == _PAX:
                attributes |= _pax_attributes(body)
            continue
        if kind == _SPARSE and header[482:483] == b"\1":
            source.skip_sparse_maps()
        if _SIZE.fullmatch(attributes.get("size", "")):
            size = int(attributes["size"])
        content = source.content(size)
        reason = _skip_reason(kind, attributes)
        yield Entry(attributes.get("path") or _name(header), size, content, reason)
        for _ in content:
            pass
        source.skip_padding(size)
        attributes = {}


def _skip_reason(kind: bytes, attributes: dict[str, str]) -> str | None:
    if "GNU.sparse" in attributes:
        return _KINDS[_SPARSE]
    if kind in _REGULAR:
        return None
    return "" if kind == b"5" else _KINDS.get(kind, "an unknown kind of entry")


class _Source:
    """Reads exact numbers of bytes from chunks."""

    def __init__(self, chunks: Iterator[bytes], state: StreamState) -> None:
        self._chunks = chunks
        self._state = state
        self._rest = b""

    def header(self, *, is_first: bool) -> bytes:
        """The next header; empty at the end of the archive, or where it is damaged."""
        block = self._read(BLOCK)
        if not block.strip(b"\0") and len(block) in (0, BLOCK):
            return b""
        if len(block) == BLOCK and _has_checksum(block):
            return block
        if is_first:
            raise IngestError("archive_unsupported", "the tar archive has a damaged header")
        if len(block) < BLOCK:
            self._truncated()
        else:
            self._state.truncated = True
            self._state.warnings.append("the tar archive is damaged; the rest is not read")
        return b""

    def extended(self, size: int) -> bytes:
        if size > _MAX_HEADER_BYTES:
            message = f"the tar archive has a header of {size} bytes, the limit is "
            raise IngestError("archive_unsupported", f"{message}{_MAX_HEADER_BYTES}")
        body = self._read(size)
        self.skip_padding(size)
        return body

    def skip_sparse_maps(self) -> None:
        while self._read(BLOCK)[504:505] == b"\1":
            pass

    def skip_padding(self, size: int) -> None:
        self._read(-size % BLOCK)

    def content(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes; fewer where the stream ends."""
        while size > 0:
            data = self._rest or next(self._chunks, b"")
            if not data:
                self._truncated()
                return
            self._rest = data[size:]
            size -= min(size, len(data))
            yield data[: len(data) - len(self._rest)]

    def _read(self, size: int) -> bytes:
        return b"".join(self._unmarked(size))

    def _unmarked(self, size: int) -> Iterator[bytes]:
        while size > 0 and (data := self._rest or next(self._chunks, b"")):
            self._rest = data[size:]
            size -= min(size, len(data))
            yield data[: len(data) - len(self._rest)]

    def _truncated(self) -> None:
        if not self._state.truncated:
            self._state.warnings.append("the tar archive is truncated")
        self._state.truncated = True


def _has_checksum(block: bytes) -> bool:
    try:
        expected = int(block[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return expected == sum(chain(block[:148], b" " * 8, block[156:]))


def _number(field: bytes) -> int:
    """A size: octal digits, or binary where the first bit is set."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        return 0


def _name(header: bytes) -> str:
    name = _text(header[:100])
    if header[257:263] == b"ustar\0" and (prefix := _text(header[345:500])):
        return f"{prefix}/{name}"
    return name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _pax_attributes(body: bytes) -> dict[str, str]:
    """Parse records of the form ``length key=value`` and a line feed; keeps those that are used."""
    attributes: dict[str, str] = {}
    start = 0
    while start < len(body):
        space = body.find(b" ", start, start + _MAX_LENGTH_DIGITS + 1)
        length = body[start : max(space, start)]
        if not length.isdigit() or not space - start < int(length) <= len(body) - start:
            break
        end = start + int(length)
        key, _, value = body[space + 1 : end].rstrip(b"\n").partition(b"=")
        if key in _USED_ATTRIBUTES:
            attributes[key.decode()] = value.decode("utf-8", "replace")
        elif key.startswith(b"GNU.sparse"):
            attributes["GNU.sparse"] = ""
        start = end
    return attributes
