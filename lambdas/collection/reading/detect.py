"""What a dump is: compression, encoding, format and schema, from its first bytes alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from lambdas.collection.reading.decompress import Counted, compression_of, expand, limited
from lambdas.collection.reading.dialect import sniff_delimited
from lambdas.collection.reading.encoding import as_utf8, sniff_encoding
from lambdas.collection.reading.formats.delimited import parse_delimited
from lambdas.collection.reading.formats.json_lines import objects_in, parse_json_lines
from lambdas.collection.reading.formats.unquoted import parse_unquoted
from lambdas.collection.reading.options import Profile, ReadOptions
from lambdas.collection.reading.records import Record, StreamState
from lambdas.collection.reading.rows import RowMaker
from lambdas.collection.reading.schemas import Schema, choose_schema
from shared.errors import IngestError

SAMPLE_BYTES = 512 * 1024


@dataclass
class Opened:
    """A dump that is ready to be read."""

    records: Iterator[Record]
    state: StreamState
    profile: Profile
    maker_for: Callable[[Record], RowMaker] = field(repr=False)


def _take(chunks: Iterator[bytes], wanted: int) -> tuple[bytes, bool]:
    """Read about ``wanted`` bytes ahead; also says whether that was all."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= wanted:
            return b"".join(parts), False
    return b"".join(parts), True


def open_parser(stream: BinaryIO, options: ReadOptions) -> Opened:
    """Look at the head of a stream and choose the parser and the schema.

    Raises:
        IngestError: empty_object, archive_unsupported, format_unknown, schema_unknown,
            mapping_invalid, decompression_limit.
    """
    state = StreamState()
    counted = Counted(stream)
    raw = iter(counted)
    head, _ = _take(raw, 512)
    if not head:
        raise IngestError("empty_object", "the object has no bytes")
    state.compression = compression_of(head)
    plain = expand(chain((head,), raw), state.compression, state)
    chunks = limited(plain, lambda: counted.taken, options.limits, state)
    sample, whole = _take(chunks, SAMPLE_BYTES)
    encoding, skip = sniff_encoding(sample)
    state.encoding = encoding.removesuffix("-sig")
    chunks = as_utf8(chain((sample[skip:],), chunks), encoding)
    sample, _ = (
        _take(chunks, len(sample) - skip) if skip or encoding[:4] == "utf-" else (sample, whole)
    )
    if not sample.strip():
        raise IngestError("empty_object", "the dump has no records")
    return _open_text(sample, chain((sample,), chunks), state, options)


def _open_text(
    sample: bytes, chunks: Iterator[bytes], state: StreamState, options: ReadOptions
) -> Opened:
    limit = options.limits.max_record_bytes
    lines = [line.strip() for line in sample.split(b"\n", 2000)[:2000] if line.strip()]
    start = sample.lstrip()[:1]
    braces = sum(line.startswith((b"{", b"[{", b",{")) for line in lines)
    if start in b"[{" or braces * 2 > len(lines):
        array = start == b"["
        records = parse_json_lines(chunks, state, limit=limit, array=array)
        columns = _json_columns(lines)
        kind = "json-array" if array else "jsonl"
        return _json(records, kind, columns, state, options)
    found = sniff_delimited(sample, options.mapping)
    profile = Profile(
        found.name, state.compression, state.encoding, found.schema.name, tuple(found.columns)
    )
    if found.dialect.quotechar is None and found.dialect.escapechar is None:
        records = parse_unquoted(
            chunks, state, delimiter=found.dialect.delimiter, width=len(found.columns), limit=limit
        )
    else:
        records = parse_delimited(
            chunks, state, dialect=found.dialect, width=len(found.columns), limit=limit,
            plausible=found.plausible,
        )  # fmt: skip
    maker = RowMaker(found.schema, found.columns, options.reviewer_key)
    return Opened(records, state, profile, lambda _record: maker)


def _json_columns(lines: list[bytes]) -> list[str]:
    columns: dict[str, None] = {}
    for line in lines[:500]:
        for values in objects_in(line.strip(b"[], \t")) if len(line) < 2**17 else ():
            columns.update(dict.fromkeys(map(str, values)))
    return list(columns)


def _json(
    records: Iterator[Record],
    kind: str,
    columns: list[str],
    state: StreamState,
    options: ReadOptions,
) -> Opened:
    profile = Profile(kind, state.compression, state.encoding, "unknown", tuple(columns))
    known: Schema | None = choose_schema(columns, options.mapping) if columns else None
    if known:
        profile.dump_schema = known.name

    def maker_for(record: Record) -> RowMaker:
        schema = known or choose_schema(map(str, record.values), options.mapping)
        profile.dump_schema = schema.name
        return RowMaker(schema, None, options.reviewer_key)

    return Opened(records, state, profile, maker_for)
