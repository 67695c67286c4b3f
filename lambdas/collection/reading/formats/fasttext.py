"""Lines of fastText: labels, then the text (``__label__2 Works well``)."""

import re
from collections.abc import Iterator
from itertools import islice

from lambdas.collection.reading.encoding import decode_text
from lambdas.collection.reading.formats.unquoted import too_long
from lambdas.collection.reading.lines import Overlong, numbered_blocks
from lambdas.collection.reading.place import Place
from lambdas.collection.reading.records import Bad, Record
from shared.schemas.ingest import RejectReason

LABEL = b"__label__"
COLUMNS = ["label", "text"]
_LINE = re.compile(r"((?:__label__[^\s,]+[ \t,]*)+)(.*)", re.DOTALL)
_NO_LABEL = Bad(RejectReason.MALFORMED, "the line does not begin with __label__")


def is_fasttext(sample: bytes) -> bool:
    """Whether most of the first lines begin with a label."""
    lines = [line for line in sample.split(b"\n", 200)[:200] if line.strip()]
    return sum(line.lstrip().startswith(LABEL) for line in lines) * 2 > len(lines)


def parse_fasttext(
    chunks: Iterator[bytes], *, limit: int, place: Place | None = None
) -> Iterator[Record]:
    """Yield one record per line; several labels are joined by a comma."""
    place = place or Place()
    for block, before, skip in numbered_blocks(chunks, limit, place):
        if isinstance(block, Overlong):
            yield Record(before + 1, too_long(limit), block.head)
            continue
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        number = before + skip
        for line in islice(lines, skip, None):
            number += 1
            if line.strip():
                yield _record(line, number, limit)


def _record(line: bytes, number: int, limit: int) -> Record:
    if len(line) > limit:
        return Record(number, too_long(limit), line)
    match = _LINE.match(decode_text(line).strip())
    if match is None:
        return Record(number, _NO_LABEL, line)
    labels = re.findall(r"__label__([^\s,]+)", match[1])
    return Record(number, {"label": ",".join(labels), "text": match[2]}, line)
