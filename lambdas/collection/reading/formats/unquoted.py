"""Delimited text without quoting, such as the AWS TSV: each line is a record."""

from collections.abc import Iterator
from itertools import islice

from lambdas.collection.reading.encoding import decode_block, decode_text
from lambdas.collection.reading.lines import Overlong, numbered_blocks
from lambdas.collection.reading.place import Place
from lambdas.collection.reading.records import Bad, Record, StreamState
from shared.schemas.ingest import RejectReason

HEADER_AGAIN = Bad(RejectReason.MALFORMED, "the header again")


def parse_unquoted(
    chunks: Iterator[bytes],
    state: StreamState,
    *,
    delimiter: str,
    width: int,
    limit: int,
    trailing: bool = False,
    headerless: bool = False,
    place: Place | None = None,
) -> Iterator[Record]:
    """Yield one record per line; ``width`` is the number of columns in the header, line 1.

    A line with another number of fields is malformed, or truncated if the file ends in it. With
    ``trailing`` a line may end with one delimiter more; with ``headerless`` line 1 is a record.
    ``place`` says where to begin, and follows.
    """
    place = place or Place()
    header = [""] * (width + 1) if headerless else place.header
    for block, before, skip in numbered_blocks(chunks, limit, place):
        if isinstance(block, Overlong):
            yield Record(before + 1, too_long(limit), block.head)
            continue
        lines = decode_block(block).split("\n")
        last = lines.pop()
        number = before + skip
        for line in islice(lines, skip, None):
            number += 1
            fields = line.removesuffix("\r").split(delimiter)
            if trailing:
                drop_trailing(fields, width)
            if len(fields) == width and len(line) <= limit and header and fields != header:
                yield Record(number, fields, line)
            elif header is None and line.strip():
                header = place.header = fields
            elif line.strip():
                yield Record(number, _wrong(fields, width, line, limit), line)
        if last.strip() and header:
            place.is_border = False  # no later run begins here: nothing follows
            text = decode_text(last.encode())
            fields = text.removesuffix("\r").split(delimiter)
            if trailing:
                drop_trailing(fields, width)
            yield _last_line(text, fields, number + 1, width, state, limit)


def drop_trailing(fields: list[str], width: int) -> None:
    """Drop the empty field after a delimiter at the end of a row."""
    if len(fields) == width + 1 and not fields[-1]:
        fields.pop()


def _last_line(
    line: str, fields: list[str], number: int, width: int, state: StreamState, limit: int
) -> Record:
    if state.truncated or len(fields) < width:
        return Record(number, cut_off(), line)
    if len(fields) != width or len(line) > limit:
        return Record(number, _wrong(fields, width, line, limit), line)
    return Record(number, fields, line)


def too_long(limit: int) -> Bad:
    """The reject of a record that exceeds the limit."""
    return Bad(RejectReason.TOO_LONG, f"the record has more than {limit} bytes")


def cut_off() -> Bad:
    """The reject of a record in which the file ends."""
    return Bad(RejectReason.TRUNCATED, "the file ends inside this record")


def wrong_width(fields: int, width: int) -> Bad:
    """The reject of a row whose number of fields differs from the header."""
    return Bad(RejectReason.MALFORMED, f"{fields} fields where the header has {width}")


def _wrong(fields: list[str], width: int, line: str, limit: int) -> Bad:
    if len(line) > limit:
        return too_long(limit)
    return HEADER_AGAIN if len(fields) == width else wrong_width(len(fields), width)
