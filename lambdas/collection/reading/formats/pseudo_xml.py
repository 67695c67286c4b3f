"""``<review>`` blocks that resemble XML: bare ampersands, any bytes, no root element."""

import re
from collections.abc import Iterator

from lambdas.collection.reading.encoding import decode_text
from lambdas.collection.reading.formats.unquoted import cut_off, too_long
from lambdas.collection.reading.records import RAW_LIMIT, Bad, Record, StreamState
from shared.schemas.ingest import RejectReason

_OPEN = re.compile(rb"<review\b[^<>]{0,200}>")
_CLOSE = b"</review>"
_OPENED = re.compile(r"<([A-Za-z_][\w.-]{0,60})>")
_CLOSED = re.compile(r"</([A-Za-z_][\w.-]{0,60})>")
_TEXT_TAG = re.compile(r"<review_text>")
# allowed around the blocks: a root element, a declaration, comments
_WRAPPER = re.compile(
    rb"(?:\s|\xef\xbb\xbf|\0|<\?[^<>]{0,200}\?>|<!--[^<>]{0,1000}-->"
    rb"|</?(?:data|reviews|root|dataset|document)\b[^<>]{0,200}>)*"
)
_CUT_WRAPPER = re.compile(rb"\s*</?[a-z]{0,8}$")
_OVERLAP = 256


def parse_review_blocks(
    chunks: Iterator[bytes], state: StreamState, *, limit: int
) -> Iterator[Record]:
    """Yield one record per block, as a dictionary of its elements.

    A block that is not closed before the next one opens is malformed, and so is text between
    blocks; a block in which the file ends is truncated. Of two elements with the same name the
    first is used.
    """
    blocks = _Blocks(limit)
    for chunk in chunks:
        blocks.buffer += chunk
        yield from blocks.take()
    yield from blocks.end(state)


class _Blocks:
    """The part of the stream that is not yet split into blocks."""

    def __init__(self, limit: int) -> None:
        self.buffer = b""
        self._limit = limit
        self._line = 1
        self._skipping: tuple[int, bytes] | None = None
        self._enough = 0

    def take(self) -> Iterator[Record]:
        """Yield the complete blocks and keep the rest.

        An incomplete block is searched again when the buffer has doubled, so in linear time.
        """
        if len(self.buffer) < self._enough:
            return
        position = 0
        while (opened := self._opens(position)) >= 0:
            if self._skipping:
                yield self._skipped()
            else:
                yield from self._between(position, opened)
            position = self._passed(position, opened)
            following = self._opens(opened + 1)
            closed = self.buffer.find(_CLOSE, opened, following if following >= 0 else None)
            if closed >= 0:
                end = closed + len(_CLOSE)
                yield self._block(position, end)
            elif following >= 0:
                end = following
                yield self._unclosed(position, end)
            else:
                break
            position = self._passed(position, end)
        self.buffer = self.buffer[position:]
        self._shorten()
        self._enough = min(2 * len(self.buffer), self._limit + 1)

    def _opens(self, position: int) -> int:
        """Position of the next block (at the start of a line or after a tag), or -1."""
        while (start := self.buffer.find(b"<review", position)) >= 0:
            before = self.buffer[max(0, start - 40) : start].rstrip(b" \t")
            if (not before or before[-1] in b"\n>") and _OPEN.match(self.buffer, start):
                return start
            position = start + 1
        return -1

    def _passed(self, start: int, end: int) -> int:
        self._line += self.buffer.count(b"\n", start, end)
        return end

    def _shorten(self) -> None:
        """Drop a record that is too long, except for its beginning and a possible partial tag."""
        if len(self.buffer) <= self._limit:
            return
        if not self._skipping:
            self._skipping = (self._line, self.buffer[:RAW_LIMIT])
        cut = len(self.buffer) - _OVERLAP
        self._passed(0, cut)
        self.buffer = self.buffer[cut:]

    def _skipped(self) -> Record:
        line, head = self._skipping or (self._line, b"")
        self._skipping = None
        return Record(line, too_long(self._limit), head)

    def _between(self, start: int, end: int) -> Iterator[Record]:
        begin = _WRAPPER.match(self.buffer, start, end).end()  # type: ignore[union-attr]
        if begin < end:
            why = Bad(RejectReason.MALFORMED, "text outside of a <review> block")
            yield Record(self._line, why, self.buffer[start:end])

    def _unclosed(self, start: int, end: int) -> Record:
        why = Bad(RejectReason.MALFORMED, "the block is not closed before the next one")
        return Record(self._line, why, self.buffer[start:end])

    def _block(self, start: int, end: int) -> Record:
        raw = self.buffer[start:end]
        if len(raw) > self._limit:
            return Record(self._line, too_long(self._limit), raw[:RAW_LIMIT])
        text = decode_text(raw)
        values = _elements(text, text.index(">") + 1)
        if "review_text" not in values and _TEXT_TAG.search(text):
            why = Bad(RejectReason.MALFORMED, "the element review_text is not closed")
            return Record(self._line, why, raw)
        return Record(self._line, values, raw)

    def end(self, state: StreamState) -> Iterator[Record]:
        """Yield the blocks that are left, and the record that the stream ended in."""
        self._enough = 0
        yield from self.take()
        if self._skipping:
            yield self._skipped()
            return
        rest = self.buffer
        begin = _WRAPPER.match(rest).end()  # type: ignore[union-attr]
        if begin == len(rest) or (self._opens(0) < 0 and _CUT_WRAPPER.fullmatch(rest, begin)):
            return
        if self._opens(0) >= 0 or state.truncated:
            yield Record(self._line, cut_off(), rest)
        else:
            why = Bad(RejectReason.MALFORMED, "text outside of a <review> block")
            yield Record(self._line, why, rest)


def _elements(text: str, position: int) -> dict[str, str]:
    """The closed elements from ``position`` on, in linear time even if many are not closed."""
    last = {tag[1]: tag.start() for tag in _CLOSED.finditer(text, position)}
    values: dict[str, str] = {}
    while tag := _OPENED.search(text, position):
        name, position = tag[1], tag.end()
        if last.get(name, -1) >= position:
            closed = text.index(f"</{name}>", position)
            values.setdefault(name, text[position:closed].strip())
            position = closed + len(name) + 3
    return values
