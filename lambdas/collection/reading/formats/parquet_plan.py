"""Decides how many rows of a Parquet file are decoded at a time, so that memory is bounded."""

from typing import IO, Any, NamedTuple

from lambdas.collection.reading.formats.parquet_chunks import Chunk, longest_entry, read_chunk
from shared.errors import IngestError

MAX_ROWS = 4096
MAX_ROWS_AGAIN = 4 * 2**20
"""Rows of a row group that several workers may decode again, each from its first row on."""
_BATCH_BYTES = 32 * 2**20
_MAX_OPEN_BYTES = 256 * 2**20
"""Limit of the largest pages and dictionaries of all columns, which are in memory together."""
_MAX_REPEATED_VALUES = 64 * 2**20


class RowGroup(NamedTuple):
    """How a row group is read."""

    batch_rows: int
    """Rows to decode at a time."""
    intact_rows: int | None
    """Rows before the first damaged page."""
    held: frozenset[str]
    """Columns that are read as dictionaries."""


def largest_group(metadata: Any) -> int:
    """The most rows that a row group has."""
    groups = range(metadata.num_row_groups)
    return max((metadata.row_group(group).num_rows for group in groups), default=0)


def leaves_of(metadata: Any, columns: list[str]) -> list[int]:
    """The places of the leaf columns of columns, which may be nested."""
    wanted = set(columns)
    places = []
    for place in range(metadata.num_columns):
        parts = metadata.schema.column(place).path.split(".")
        if any(".".join(parts[:count]) in wanted for count in range(1, len(parts) + 1)):
            places.append(place)
    return places


def plan_row_group(file: IO[bytes], metadata: Any, group: int, leaves: list[int]) -> RowGroup:
    """Read the page headers of a row group.

    Raises:
        IngestError: decompression_limit if its pages are too large to be in memory.
    """
    for leaf in leaves:
        _check_lists(metadata, group, leaf)
    chunks = [read_chunk(file, metadata, group, leaf) for leaf in leaves]
    if sum(chunk.open_bytes for chunk in chunks) > _MAX_OPEN_BYTES:
        raise IngestError(
            "decompression_limit",
            f"row group {group + 1} of the Parquet file has pages of more than "
            f"{_MAX_OPEN_BYTES // 2**20} MiB; write it with smaller pages",
        )
    row = sum(_row_bytes(file, metadata, group, chunk) for chunk in chunks)
    intact = [rows for chunk in chunks if (rows := chunk.intact_rows) is not None]
    held = frozenset(chunk.path for chunk in chunks if chunk.is_held)
    batch_rows = max(1, min(MAX_ROWS, int(_BATCH_BYTES / (row or 1))))
    return RowGroup(batch_rows, min(intact, default=None), held)


def _check_lists(metadata: Any, group: int, leaf: int) -> None:
    column, stored = metadata.schema.column(leaf), metadata.row_group(group).column(leaf)
    if column.max_repetition_level > 0 and stored.num_values > _MAX_REPEATED_VALUES:
        message = f"the lists of {column.path[:80]!r} have more than {_MAX_REPEATED_VALUES} values"
        raise IngestError("decompression_limit", f"{message} in row group {group + 1}")


def _row_bytes(file: IO[bytes], metadata: Any, group: int, chunk: Chunk) -> float:
    """Most bytes of a row; the dictionary is read ahead only where its entries matter."""
    if not chunk.is_text or chunk.is_held or not chunk.values_of_dictionary:
        return chunk.row_bytes(0)
    return chunk.row_bytes(longest_entry(file, metadata, group, chunk))
