"""Decodes bytes: byte order marks, UTF-16 and UTF-32, and UTF-8 with invalid bytes."""

import codecs
from collections.abc import Iterator

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SNIFF = 4096


def decode_text(data: bytes) -> str:
    """Decode one record or a block of whole lines; never fails.

    Text that is not UTF-8 is Windows-1252 (which has the letters of Latin-1) unless it also has
    well-formed multi-byte sequences: then it is damaged UTF-8, and the bad bytes become U+FFFD.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    if data.decode("utf-8", "ignore").isascii():
        return data.decode("cp1252", "replace")
    return data.decode("utf-8", "replace")


def decode_block(block: bytes) -> str:
    """Decode whole lines at once; if that fails, decode each line by itself."""
    try:
        return block.decode()
    except UnicodeDecodeError:
        return "\n".join(decode_text(line) for line in block.split(b"\n"))


def sniff_encoding(head: bytes) -> tuple[str, int]:
    """Detect the encoding of the stream that starts with ``head``.

    Returns:
        The codec's name and the length of the byte order mark to skip.
    """
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name, len(bom)
    sample = head[:_SNIFF]
    if len(sample) >= 4 and b"\0" in sample:
        even, odd = sample[0::2], sample[1::2]
        if odd.count(0) > len(odd) * 0.4 and even.count(0) < len(even) * 0.1:
            return "utf-16-le", 0
        if even.count(0) > len(even) * 0.4 and odd.count(0) < len(odd) * 0.1:
            return "utf-16-be", 0
    return _eight_bit(head), 0


def _eight_bit(head: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "windows-1252" if head.decode("utf-8", "ignore").isascii() else "utf-8"
    return "utf-8"


def is_wide(encoding: str) -> bool:
    """Whether text of an encoding is converted to UTF-8, so that its offsets change."""
    return encoding.startswith(("utf-16", "utf-32"))


def as_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Convert UTF-16 and UTF-32 chunks to UTF-8; pass everything else on unchanged."""
    if not is_wide(encoding):
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
