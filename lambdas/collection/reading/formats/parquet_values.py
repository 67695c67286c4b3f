"""Values of Parquet columns: how large they are before they are decoded, and what they are."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lambdas.collection.reading.encoding import decode_text
from lambdas.collection.reading.records import RAW_LIMIT

_EARLIEST = 315_532_800_000_000
"""1980 in microseconds: a smaller number would be read as milliseconds."""


def cell_sizes(column: pa.Array) -> pa.Array:
    """The bytes of each value; one for a value without a length."""
    kind = column.type
    types = pa.types
    if types.is_dictionary(kind):
        sizes = cell_sizes(column.dictionary).take(column.indices)
    elif types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind):
        sizes = pc.add(pc.cast(pc.binary_length(column), pa.int64()), 1)
    elif types.is_large_binary(kind):
        sizes = pc.add(pc.binary_length(column), 1)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        sizes = _list_sizes(column)
    elif types.is_struct(kind):
        sizes = _ones(column)
        for place in range(kind.num_fields):
            sizes = pc.add(sizes, cell_sizes(column.field(place)))
    elif types.is_primitive(kind) or types.is_null(kind):
        return _ones(column)
    else:
        each = 1 + column.nbytes // max(1, len(column))
        return pc.multiply(_ones(column), each)
    return pc.fill_null(sizes, 1)


def _ones(column: pa.Array) -> pa.Array:
    return pa.repeat(pa.scalar(1, pa.int64()), len(column))


def _list_sizes(column: pa.Array) -> pa.Array:
    values = column.values
    if pa.types.is_map(column.type):
        inner = pc.add(cell_sizes(column.keys), cell_sizes(column.items))
    else:
        inner = cell_sizes(values)
    before = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(inner)])
    ends = before.take(column.offsets)
    return pc.add(pc.subtract(ends.slice(1), ends.slice(0, len(column))), 1)


def decode_values(column: pa.Array) -> list[Any]:
    """The values of a column as Python objects."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):  # as a number: nanoseconds do not fit into a datetime
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
        column = pc.if_else(pc.less(column, _EARLIEST), -1, column)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _decoded(column)
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        return _decoded(column.cast(pa.large_binary()))
    except (OverflowError, ValueError):  # times and dates outside the range of Python
        return column.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]


def _decoded(column: pa.Array) -> list[Any]:
    return [None if value is None else decode_text(value) for value in column.to_pylist()]


def head_of(column: pa.Array, place: int, size: int) -> Any:
    """A value as a reject shows it: only the head of a long text, and no long list."""
    if size <= RAW_LIMIT:
        return decode_values(column.slice(place, 1))[0]
    scalar = column[place]
    if isinstance(scalar, pa.DictionaryScalar):
        scalar = scalar.value
    if isinstance(scalar, pa.StringScalar | pa.BinaryScalar):
        return decode_text(scalar.as_buffer()[:RAW_LIMIT].to_pybytes())
    return "…"
