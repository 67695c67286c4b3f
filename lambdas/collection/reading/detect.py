"""Detects compression, encoding, format and schema of a dump from its first bytes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from lambdas.collection.reading.archive import spool, zip_member
from lambdas.collection.reading.decompress import CountedChunks, compression_of, expand, limit_size
from lambdas.collection.reading.dialect import Delimited, sniff_delimited
from lambdas.collection.reading.encoding import as_utf8, sniff_encoding
from lambdas.collection.reading.formats.delimited import parse_delimited
from lambdas.collection.reading.formats.json_lines import parse_json_lines
from lambdas.collection.reading.formats.json_stream import parse_json_stream
from lambdas.collection.reading.formats.parquet import open_parquet, parse_parquet
from lambdas.collection.reading.formats.pseudo_xml import parse_review_blocks
from lambdas.collection.reading.formats.unquoted import parse_unquoted
from lambdas.collection.reading.json_kind import JsonKind, json_kind
from lambdas.collection.reading.options import Profile, ReadOptions
from lambdas.collection.reading.records import Record, StreamState
from lambdas.collection.reading.rows import RowMaker
from lambdas.collection.reading.schemas import Schema, choose_schema
from shared.errors import IngestError

SAMPLE_BYTES = 512 * 1024
_HEAD_BYTES = 4096
_BLOCK = re.compile(rb"(?:^|[\n>])[ \t]*<review\b[^<>]{0,200}>")
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.-]{0,60})>")
_PARQUET = b"PAR1"


@dataclass
class Opened:
    """A dump that is ready to be read."""

    records: Iterator[Record]
    state: StreamState
    profile: Profile
    maker_for: Callable[[Record], RowMaker] = field(repr=False)


def open_parser(stream: BinaryIO, options: ReadOptions) -> Opened:
    """Choose the parser and the schema from the head of a stream.

    Raises:
        IngestError: empty_object, archive_unsupported, format_unknown, schema_unknown,
            mapping_invalid, decompression_limit, object_too_large.
    """
    state = StreamState()
    chunks = _plain_bytes(stream, state, options)
    sample, whole = _read_ahead(chunks, SAMPLE_BYTES)
    if sample.startswith(_PARQUET):
        return _parquet(chain((sample,), chunks), state, options)
    encoding, skip = sniff_encoding(sample)
    state.encoding = encoding.removesuffix("-sig")
    chunks = as_utf8(chain((sample[skip:],), chunks), encoding)
    sample, _ = _read_ahead(chunks, len(sample) - skip)
    if not sample.strip(b"\0 \t\r\n\f\v"):
        raise IngestError("empty_object", "the dump has no records")
    chunks = chain((sample,), chunks)
    if b"\r" in sample and b"\n" not in sample:  # line ends of classic Mac OS
        sample, chunks = sample.replace(b"\r", b"\n"), _unix_line_ends(chunks)
    return _text(sample, chunks, state, options, whole=whole)


def _plain_bytes(stream: BinaryIO, state: StreamState, options: ReadOptions) -> Iterator[bytes]:
    counted = CountedChunks(stream)
    chunks: Iterator[bytes] = iter(counted)
    head, _ = _read_ahead(chunks, _HEAD_BYTES)
    if not head:
        raise IngestError("empty_object", "the object has no bytes")
    kind = state.compression = compression_of(head)
    chunks = chain((head,), chunks)
    if kind == "zip":
        chunks = zip_member(spool(chunks), state)
        head, _ = _read_ahead(chunks, _HEAD_BYTES)
        chunks = chain((head,), chunks)
        kind = compression_of(head)
        if kind == "zip":
            raise IngestError("archive_unsupported", "the zip archive contains a zip archive")
        state.compression = "zip" if kind == "none" else f"zip+{kind}"
    return limit_size(
        expand(chunks, kind, state), lambda: counted.bytes_read, options.limits, state
    )


def _read_ahead(chunks: Iterator[bytes], minimum: int) -> tuple[bytes, bool]:
    """Read at least ``minimum`` bytes ahead; also returns whether the stream has ended."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= minimum > 0:
            return b"".join(parts), False
    return b"".join(parts), True


def _unix_line_ends(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk.replace(b"\r", b"\n")


def _text(
    sample: bytes,
    chunks: Iterator[bytes],
    state: StreamState,
    options: ReadOptions,
    *,
    whole: bool,
) -> Opened:
    if kind := json_kind(sample):
        return _json(kind, chunks, state, options)
    if b"<review" in sample and _BLOCK.search(sample):
        records = parse_review_blocks(chunks, state, limit=options.limits.max_record_bytes)
        columns = [name.decode() for name in dict.fromkeys(_ELEMENT.findall(sample))]
        columns = [name for name in columns if name not in ("review", "data", "reviews")]
        return _of_dicts("review-blocks", records, columns, state, options)
    table = sniff_delimited(sample, options.mapping, whole=whole)
    records = _delimited(table, chunks, state, options)
    maker = RowMaker(table.schema, table.columns, options.reviewer_key)
    profile = _profile(table.name, state, table.schema.name, table.columns)
    return Opened(records, state, profile, lambda _record: maker)


def _delimited(
    table: Delimited, chunks: Iterator[bytes], state: StreamState, options: ReadOptions
) -> Iterator[Record]:
    limit, width, dialect = options.limits.max_record_bytes, len(table.columns), table.dialect
    if dialect.quotechar is None and dialect.escapechar is None:
        return parse_unquoted(chunks, state, delimiter=dialect.delimiter, width=width, limit=limit)
    return parse_delimited(
        chunks, state, dialect=dialect, width=width, limit=limit, plausible=table.plausible
    )


def _json(
    kind: JsonKind, chunks: Iterator[bytes], state: StreamState, options: ReadOptions
) -> Opened:
    limit = options.limits.max_record_bytes
    if kind.one_per_line:
        records = parse_json_lines(chunks, state, limit=limit, array=kind.array)
    else:
        records = parse_json_stream(chunks, state, limit=limit, starts=kind.starts)
    return _of_dicts("json-array" if kind.array else "jsonl", records, kind.columns, state, options)


def _of_dicts(
    name: str,
    records: Iterator[Record],
    columns: list[str],
    state: StreamState,
    options: ReadOptions,
) -> Opened:
    known: Schema | None = choose_schema(columns, options.mapping) if columns else None
    profile = _profile(name, state, known.name if known else "unknown", columns)

    def maker_for(record: Record) -> RowMaker:
        # if the sample has no complete record, the first record decides
        schema = known or choose_schema(map(str, record.values), options.mapping)
        profile.dump_schema = schema.name
        return RowMaker(schema, None, options.reviewer_key)

    return Opened(records, state, profile, maker_for)


def _parquet(chunks: Iterator[bytes], state: StreamState, options: ReadOptions) -> Opened:
    parquet = open_parquet(spool(chunks))
    names = parquet.schema_arrow.names
    schema = choose_schema(names, options.mapping)
    unused = () if schema.identified_by_row else set(schema.unused_columns(names))
    columns = [name for name in dict.fromkeys(names) if name not in unused]
    state.encoding = "utf-8"
    maker = RowMaker(schema, columns, options.reviewer_key)
    records = parse_parquet(parquet, columns, state)
    profile = _profile("parquet", state, schema.name, names)
    return Opened(records, state, profile, lambda _record: maker)


def _profile(name: str, state: StreamState, schema: str, columns: list[str]) -> Profile:
    return Profile(name, state.compression, state.encoding, schema, tuple(columns))
