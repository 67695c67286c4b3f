"""Chunks to blocks of whole lines, with a bound on the length of one line."""

from collections.abc import Iterator
from typing import NamedTuple

from lambdas.collection.reading.records import RAW_LIMIT


class Overlong(NamedTuple):
    """A line longer than the limit; only its head was kept."""

    head: bytes
    ended: bool


def line_blocks(chunks: Iterator[bytes], limit: int) -> Iterator[bytes | Overlong]:
    """Cut the stream at line ends.

    Yields:
        Blocks that end with a line feed, except that the last may not; where a line has more than
        ``limit`` bytes before its end is in sight, one Overlong instead of that line.
    """
    carry = b""
    skipping: bytes | None = None
    for chunk in chunks:
        rest = chunk
        if skipping is not None:
            _, newline, rest = chunk.partition(b"\n")
            if not newline:
                continue
            yield Overlong(skipping, ended=True)
            skipping = None
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield carry + rest[:cut]
            carry = rest[cut:]
        else:
            carry += rest
        if len(carry) > limit:
            skipping, carry = carry[:RAW_LIMIT], b""
    if skipping is not None:
        yield Overlong(skipping, ended=False)
    elif carry:
        yield carry
