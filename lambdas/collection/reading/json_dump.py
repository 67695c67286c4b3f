"""Opens JSON dumps: lines, arrays, lists below a key, tables of pandas."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from lambdas.collection.reading.enclosing import find_enclosing
from lambdas.collection.reading.formats.json_columns import parse_json_columns
from lambdas.collection.reading.formats.json_lines import parse_json_lines
from lambdas.collection.reading.formats.json_paths import (
    parse_json_path,
    parse_path,
)
from lambdas.collection.reading.formats.json_stream import parse_json_stream
from lambdas.collection.reading.json_kind import JsonKind
from lambdas.collection.reading.json_shape import (
    ByColumns,
    Shape,
    complete_json,
    find_shape,
)
from lambdas.collection.reading.opened import Opened, open_dicts
from lambdas.collection.reading.options import ReadOptions
from lambdas.collection.reading.place import Place
from lambdas.collection.reading.records import StreamState

_SHORT_SAMPLE_BYTES = 64 * 1024


def open_json(
    kind: JsonKind,
    sample: bytes,
    chunks: Iterator[bytes],
    state: StreamState,
    options: ReadOptions,
    place: Place,
) -> Opened:
    """Choose how to read a JSON dump; ``place`` follows the parser of JSON lines.

    Raises:
        IngestError: schema_unknown, mapping_invalid.
    """
    path = parse_path(options.hints["records"]) if "records" in options.hints else None
    headerless = options.hints.get("header") == "none"
    document = _beginning(sample)
    try:
        shape = find_shape(
            document, options.mapping, path=path, headerless=headerless, known=kind.columns
        )
    except ByColumns:
        columns = list(document)
        return open_dicts("json", parse_json_columns(chunks, columns), columns, state, options)
    if shape is not None:
        return _open_shape(shape, document, chunks, state, options)
    limit = options.limits.max_record_bytes
    name = "json-array" if kind.array else "jsonl"
    columns, objects = kind.columns, kind.objects
    if not kind.one_per_line:
        records = parse_json_stream(chunks, state, limit=limit, starts=kind.starts)
        return open_dicts(name, records, columns, state, options, objects=objects)
    records = parse_json_lines(chunks, state, limit=limit, array=kind.array, place=place)
    return open_dicts(name, records, columns, state, options, objects=objects, place=place)


def _beginning(sample: bytes) -> Any:
    """The first document of a sample as far as it goes; None if it is not JSON."""
    start = sample.lstrip(b" \t\r\n\0")
    if not start.startswith((b"{", b"[")):
        return None
    short = complete_json(start[:_SHORT_SAMPLE_BYTES])
    return short if short or len(start) <= _SHORT_SAMPLE_BYTES else complete_json(start)


def _open_shape(
    shape: Shape,
    document: Any,
    chunks: Iterator[bytes],
    state: StreamState,
    options: ReadOptions,
) -> Opened:
    enclosing = find_enclosing(document, shape.path, shape.columns)
    if enclosing.late:
        late = ", ".join(map(repr, enclosing.late))
        state.warnings.append(f"{late} beside the records is not read, as it comes after them")
    records = parse_json_path(
        chunks,
        state,
        limit=options.limits.max_record_bytes,
        path=shape.path,
        convert=shape.convert,
        enclosing=enclosing.columns,
    )
    if shape.has_header:
        records = islice(records, 1, None)
    columns = [*shape.columns, *enclosing.columns.values()]
    return open_dicts("json", records, columns, state, options, objects=shape.objects)
