"""Detects encoding, format and schema of a dump from its first bytes."""

import re
from collections.abc import Callable, Iterator
from itertools import chain

from lambdas.collection.reading.archive import spool
from lambdas.collection.reading.dialect import Delimited, sniff_delimited, split_separator_line
from lambdas.collection.reading.encoding import as_utf8, is_wide, sniff_encoding
from lambdas.collection.reading.formats.delimited import parse_delimited
from lambdas.collection.reading.formats.fasttext import COLUMNS as FASTTEXT_COLUMNS
from lambdas.collection.reading.formats.fasttext import is_fasttext, parse_fasttext
from lambdas.collection.reading.formats.key_value import key_value_columns, parse_key_values
from lambdas.collection.reading.formats.parquet import open_parquet, parse_parquet
from lambdas.collection.reading.formats.parquet_plan import MAX_ROWS_AGAIN, largest_group
from lambdas.collection.reading.formats.pseudo_xml import parse_review_blocks
from lambdas.collection.reading.formats.unquoted import parse_unquoted
from lambdas.collection.reading.json_dump import open_json
from lambdas.collection.reading.json_kind import json_kind
from lambdas.collection.reading.members import Member
from lambdas.collection.reading.opened import Opened, make_profile, open_dicts
from lambdas.collection.reading.options import ReadOptions
from lambdas.collection.reading.place import Place, PlaceMark
from lambdas.collection.reading.records import Record, StreamState
from lambdas.collection.reading.refusals import refuse_binary, refuse_text
from lambdas.collection.reading.rows import RowMaker
from lambdas.collection.reading.schemas import choose_schema
from lambdas.collection.reading.workbook import open_workbook_dump
from shared.errors import IngestError

SAMPLE_BYTES = 512 * 1024
_BLOCK = re.compile(rb"(?:^|[\n>])[ \t]*<review\b[^<>]{0,200}>")
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.-]{0,60})>")
_PARQUET = b"PAR1"


def open_parser(member: Member, options: ReadOptions, resume: PlaceMark | None = None) -> Opened:
    """Choose the parser and the schema from the head of a dump.

    Args:
        member: the dump.
        options: how to read it.
        resume: where the parser goes on, instead of the first record.

    Raises:
        IngestError: empty_object, archive_unsupported, format_unknown, schema_unknown,
            mapping_invalid, decompression_limit, object_too_large, cpu_time_limit.
    """
    chunks, state = member.chunks, member.state
    if member.workbook is not None:
        return open_workbook_dump(member.workbook, state, member.size, options)
    sample, whole = _read_ahead(chunks, SAMPLE_BYTES)
    if sample.startswith(_PARQUET):
        return _parquet(chain((sample,), chunks), member, options, resume)
    refuse_binary(sample)
    encoding, skip = sniff_encoding(sample)
    state.encoding = encoding.removesuffix("-sig")
    chunks = as_utf8(chain((sample[skip:],), chunks), encoding)
    sample, _ = _read_ahead(chunks, len(sample) - skip)
    if not sample.strip(b"\0 \t\r\n\f\v"):
        raise IngestError("empty_object", "the dump has no records")
    length = len(sample)
    sample, separator = split_separator_line(sample)
    chunks, place = chain((sample,), chunks), Place()
    if resume is not None:
        place.resume(resume)
        restart = None if is_wide(encoding) else member.restart
        chunks = _rest(chunks, resume.offset, restart, skip + length - len(sample))
    if b"\r" in sample and b"\n" not in sample:  # line ends of classic Mac OS
        sample, chunks = sample.replace(b"\r", b"\n"), _unix_line_ends(chunks)
    return _text(sample, chunks, state, options, place, whole=whole, separator=separator)


def _rest(
    chunks: Iterator[bytes],
    offset: int,
    restart: Callable[[int], Iterator[bytes]] | None,
    base: int,
) -> Iterator[bytes]:
    """The text from an offset on.

    Args:
        chunks: all of the text; what is before the offset is read and dropped, without parsing it.
        offset: of the first byte to return.
        restart: reads the dump itself from a byte on, if that is possible.
        base: how many bytes further on the offset is in the dump than in the text.
    """
    if restart is not None and offset:
        yield from restart(base + offset)
        return
    for chunk in chunks:
        if offset < len(chunk):
            yield chunk[offset:]
        offset = max(0, offset - len(chunk))


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
    place: Place,
    *,
    whole: bool,
    separator: str | None,
) -> Opened:
    if kind := json_kind(sample):
        return open_json(kind, sample, chunks, state, options, place)
    if b"<review" in sample and _BLOCK.search(sample):
        records = parse_review_blocks(chunks, state, limit=options.limits.max_record_bytes)
        columns = [name.decode() for name in dict.fromkeys(_ELEMENT.findall(sample))]
        columns = [name for name in columns if name not in ("review", "data", "reviews")]
        return open_dicts("review-blocks", records, columns, state, options)
    limit = options.limits.max_record_bytes
    if is_fasttext(sample):
        records = parse_fasttext(chunks, limit=limit, place=place)
        return open_dicts("fasttext", records, FASTTEXT_COLUMNS, state, options, place=place)
    if keys := key_value_columns(sample):
        records = parse_key_values(chunks, state, limit=limit, columns=keys)
        return open_dicts("key-value", records, keys, state, options)
    refuse_text(sample)
    table = sniff_delimited(
        sample,
        options.mapping,
        whole=whole,
        separator=separator,
        headerless=options.hints.get("header") == "none",
    )
    records = _delimited(table, chunks, state, options, place)
    maker = RowMaker(table.schema, table.columns, options.reviewer_key)
    profile = make_profile(table.name, state, table.schema.name, table.columns)
    return Opened(records, state, profile, lambda _record: maker, place)


def _delimited(
    table: Delimited,
    chunks: Iterator[bytes],
    state: StreamState,
    options: ReadOptions,
    place: Place,
) -> Iterator[Record]:
    limit, width, dialect = options.limits.max_record_bytes, len(table.columns), table.dialect
    if dialect.quotechar is None and dialect.escapechar is None:
        return parse_unquoted(
            chunks,
            state,
            delimiter=dialect.delimiter,
            width=width,
            limit=limit,
            trailing=dialect.trailing,
            headerless=table.headerless,
            place=place,
        )
    return parse_delimited(
        chunks,
        state,
        dialect=dialect,
        width=width,
        limit=limit,
        plausible=table.plausible,
        headerless=table.headerless,
        place=place,
    )


def _parquet(
    chunks: Iterator[bytes], member: Member, options: ReadOptions, resume: PlaceMark | None
) -> Opened:
    file = member.open_file() if member.open_file else spool(chunks, member.disk_bytes)
    parquet, state = open_parquet(file), member.state
    names = parquet.names
    schema = choose_schema(names, options.mapping)
    unused = () if schema.identified_by_row else set(schema.unused_columns(names))
    columns = [name for name in dict.fromkeys(names) if name not in unused]
    state.encoding = "utf-8"
    maker = RowMaker(schema, columns, options.reviewer_key)
    limit = options.limits.max_record_bytes
    place = Place()
    place.is_near = largest_group(parquet.metadata) <= MAX_ROWS_AGAIN
    if resume is not None:
        place.resume(resume)
    records = parse_parquet(parquet, columns, state, member.size, limit, place)
    profile = make_profile("parquet", state, schema.name, names)
    return Opened(records, state, profile, lambda _record: maker, place)
