"""Decides how many rows of a Parquet file are decoded at a time, so that memory is bounded."""

from typing import IO, Any, NamedTuple

from lambdas.collection.reading.formats.parquet_pages import read_pages
from shared.errors import IngestError

MAX_ROWS = 4096
_BATCH_BYTES = 32 * 2**20
_MAX_OPEN_BYTES = 256 * 2**20
"""Limit of the largest pages and dictionaries of all columns, which are in memory together."""
_MAX_REPEATED_VALUES = 64 * 2**20
_VALUE_BYTES = 16
_DICTIONARY_ENCODINGS = (2, 8)
_DELTA_BYTE_ARRAY = 7


class RowGroup(NamedTuple):
    """A row group: rows to decode at a time, and rows before the first damaged page (or None)."""

    batch_rows: int
    intact_rows: int | None


class _Need(NamedTuple):
    row: float
    """Most bytes of a row."""
    open: int
    """Bytes of the largest page and of the dictionary."""
    intact: int | None


def columns_held_once(metadata: Any) -> list[str]:
    """The paths of columns that can be read as dictionaries: a repeated value is in memory once.

    Arrow cannot do so where a page has one of the delta encodings.
    """
    held = []
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    for place in range(metadata.num_columns):
        leaf = metadata.schema.column(place)
        chunks = [group.column(place) for group in groups]
        if leaf.physical_type == "BYTE_ARRAY" and not any(
            name.startswith("DELTA_") for chunk in chunks for name in chunk.encodings
        ):
            held.append(leaf.path)
    return held


def leaves_of(metadata: Any, columns: list[str]) -> list[int]:
    """The places of the leaf columns of columns, which may be nested."""
    wanted = set(columns)
    places = []
    for place in range(metadata.num_columns):
        parts = metadata.schema.column(place).path.split(".")
        if any(".".join(parts[:count]) in wanted for count in range(1, len(parts) + 1)):
            places.append(place)
    return places


def plan_row_group(
    file: IO[bytes], metadata: Any, group: int, leaves: list[int], held: set[str]
) -> RowGroup:
    """Read the page headers of a row group.

    Raises:
        IngestError: decompression_limit if its pages are too large to be in memory.
    """
    needs = [_need(file, metadata, group, leaf, held) for leaf in leaves]
    if sum(need.open for need in needs) > _MAX_OPEN_BYTES:
        raise IngestError(
            "decompression_limit",
            f"row group {group + 1} of the Parquet file has pages of more than "
            f"{_MAX_OPEN_BYTES // 2**20} MiB; write it with smaller pages",
        )
    rows = int(_BATCH_BYTES / (sum(need.row for need in needs) or 1))
    intact = [need.intact for need in needs if need.intact is not None]
    return RowGroup(max(1, min(MAX_ROWS, rows)), min(intact, default=None))


def _need(file: IO[bytes], metadata: Any, group: int, leaf: int, held: set[str]) -> _Need:
    column, chunk = metadata.schema.column(leaf), metadata.row_group(group).column(leaf)
    is_repeated = column.max_repetition_level > 0
    if is_repeated and chunk.num_values > _MAX_REPEATED_VALUES:
        message = f"the lists of {column.path[:80]!r} have more than {_MAX_REPEATED_VALUES} values"
        raise IngestError("decompression_limit", f"{message} in row group {group + 1}")
    # the length of other types is not set
    width = column.length if column.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
    start, dictionary = chunk.data_page_offset, chunk.dictionary_page_offset
    if dictionary and 0 < dictionary < start:
        start = dictionary
    end = start + chunk.total_compressed_size
    most = float(_VALUE_BYTES + width)
    page_size = dictionary_size = values = 0
    try:
        for page in read_pages(file, start, end, chunk.num_values):
            if page.is_dictionary:
                dictionary_size = page.size
                continue
            page_size = max(page_size, page.size)
            values += page.values
            if page.encoding in _DICTIONARY_ENCODINGS:
                value: float = 0 if column.path in held else dictionary_size
            elif page.encoding == _DELTA_BYTE_ARRAY:
                value = page.size  # every value may share almost all of the one before it
            else:
                value = page.size / max(1, page.values)
            value += _VALUE_BYTES + width
            most = max(most, value * page.values if is_repeated else value)
    except (ValueError, OSError):
        return _Need(most, page_size + dictionary_size, 0 if is_repeated else values)
    return _Need(most, page_size + dictionary_size, None)
