"""Blocks of ``key: value`` lines with a blank line between records, as in the sets of SNAP."""

import re
from collections import Counter
from collections.abc import Iterator

from lambdas.collection.reading.encoding import decode_text
from lambdas.collection.reading.formats.unquoted import cut_off, too_long
from lambdas.collection.reading.lines import Overlong, line_blocks
from lambdas.collection.reading.records import RAW_LIMIT, Bad, Record, StreamState
from shared.schemas.ingest import RejectReason

_KEY = re.compile(rb"([A-Za-z_][\w /.-]{0,60}):(?:[ \t]|$)")
_NO_KEY = Bad(RejectReason.MALFORMED, "a line without a key")
_MIN_KEYS = 3
_SAMPLE_BYTES = 64 * 1024


def key_value_columns(sample: bytes) -> list[str]:
    """The keys of a sample; none if its first lines are not such blocks."""
    blocks = re.split(rb"\n\s*\n", sample[:_SAMPLE_BYTES].replace(b"\r", b"").strip())
    lines = blocks[0].split(b"\n")
    keys = [match[1] for line in lines if (match := _KEY.match(line))]
    if len(keys) < _MIN_KEYS or len(set(keys)) < len(keys) or not _KEY.match(lines[0]):
        return []
    similar = sum(block.startswith(keys[0] + b":") for block in blocks)
    if len(keys) * 2 <= len(lines) or similar * 2 <= len(blocks):
        return []
    complete = blocks[:-1] or blocks
    found = [
        match[1] for block in complete for line in block.split(b"\n") if (match := _KEY.match(line))
    ]
    # text that goes on in a second line may begin like a key
    counts = Counter(found)
    usual = [key for key in counts if key in keys or counts[key] * 5 > len(complete)]
    return [key.decode() for key in usual]


def parse_key_values(
    chunks: Iterator[bytes], state: StreamState, *, limit: int, columns: list[str]
) -> Iterator[Record]:
    """Yield one record per block; a line without a known key continues the value before it."""
    known = frozenset(columns)
    block: list[bytes] = []
    size = number = start = 0
    for part in line_blocks(chunks, limit):
        if isinstance(part, Overlong):
            number += 1
            start = start if block else number
            block.append(part.head)
            size = limit + 1
            continue
        lines = part.split(b"\n")
        last = lines.pop()
        for line in (*lines, last) if last else lines:
            number += 1
            if line.strip():
                start = start if block else number
                size += len(line)
                if size <= limit or not block:
                    block.append(line)
            elif block:
                yield _record(block, start, size, limit, known)
                block, size = [], 0
    if block and state.truncated:
        yield Record(start, cut_off(), b"\n".join(block)[:RAW_LIMIT])
    elif block:
        yield _record(block, start, size, limit, known)


def _record(
    block: list[bytes], start: int, size: int, limit: int, columns: frozenset[str]
) -> Record:
    raw = b"\n".join(block)
    if size > limit:
        return Record(start, too_long(limit), raw[:RAW_LIMIT])
    values: dict[str, list[str]] = {}
    last = ""
    for line in decode_text(raw).split("\n"):
        key, colon, value = line.partition(":")
        if colon and key in columns and key not in values:
            values[key] = [value.strip()]
            last = key
        elif last:
            values[last].append(line.strip())
        else:
            return Record(start, _NO_KEY, raw)
    return Record(start, {key: "\n".join(parts) for key, parts in values.items()}, raw)
