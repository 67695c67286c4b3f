"""Splits a stream into blocks of whole lines, with a limit on the length of one line."""

from collections.abc import Iterator
from typing import NamedTuple

from lambdas.collection.reading.place import Place
from lambdas.collection.reading.records import RAW_LIMIT


class Overlong(NamedTuple):
    """A line longer than the limit, of which only the beginning is available."""

    head: bytes
    ended: bool


def line_blocks(
    chunks: Iterator[bytes], limit: int, place: Place | None = None
) -> Iterator[bytes | Overlong]:
    """Split the stream at line ends, and record in ``place`` where each block begins.

    Yields:
        Blocks that end with a line feed (the last one may not). A line of more than ``limit`` bytes
        is replaced by one Overlong.
    """
    place = place or Place()
    carry = b""
    skipping: bytes | None = None
    end = place.offset
    for chunk in chunks:
        rest = chunk
        if skipping is not None:
            _, newline, rest = chunk.partition(b"\n")
            if not newline:
                end += len(chunk)
                continue
            yield Overlong(skipping, ended=True)
            skipping = None
            end += len(chunk) - len(rest)
            place.offset = end
        cut = rest.rfind(b"\n") + 1
        if cut:
            block = carry + rest[:cut]
            end += len(block)
            yield block
            place.offset = end
            carry = rest[cut:]
        else:
            carry += rest
        if len(carry) > limit:
            end += len(carry)
            skipping, carry = carry[:RAW_LIMIT], b""
    if skipping is not None:
        yield Overlong(skipping, ended=False)
    elif carry:
        yield carry


def numbered_blocks(
    chunks: Iterator[bytes], limit: int, place: Place
) -> Iterator[tuple[bytes | Overlong, int, int]]:
    """Yield blocks (see ``line_blocks``) from a place on.

    Each comes with the number of lines before it, and how many of its lines are read already.
    """
    before = place.mark.lines
    for block in line_blocks(chunks, limit, place):
        if isinstance(block, Overlong):
            skip, count = place.begin(before, 1), 1
            if skip:
                before += 1
                continue
        else:
            count = block.count(b"\n")
            # the last block may end within a line
            skip = place.begin(before, count if block.endswith(b"\n") else count + 1)
        yield block, before, skip
        before += count
