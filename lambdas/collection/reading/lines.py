"""Splits a stream into blocks of whole lines, with a limit on the length of one line."""

from collections.abc import Iterator
from typing import NamedTuple

from lambdas.collection.reading.records import RAW_LIMIT


class Overlong(NamedTuple):
    """A line longer than the limit, of which only the beginning is available."""

    head: bytes
    ended: bool


def line_blocks(chunks: Iterator[bytes], limit: int) -> Iterator[bytes | Overlong]:
    """Split the stream at line ends.

    Yields:
        Blocks that end with a line feed (the last one may not). A line of more than ``limit`` bytes
        is replaced by one Overlong.
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
