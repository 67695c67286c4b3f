"""JSON documents with one object or list per column, as ``DataFrame.to_json`` writes them."""

from collections.abc import Iterator
from typing import Any

import orjson

from lambdas.collection.reading.formats.unquoted import cut_off
from lambdas.collection.reading.records import Record
from shared.errors import IngestError

MAX_DOCUMENT_BYTES = 64 * 2**20
_MIN_SPARSE_CELLS = 100_000
_MAX_CELLS_PER_VALUE = 8


def load_document(chunks: Iterator[bytes]) -> dict[str, Any] | None:
    """Read a document that must be in memory as a whole; None if it is truncated or damaged.

    Raises:
        IngestError: object_too_large.
    """
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_DOCUMENT_BYTES:
            raise IngestError(
                "object_too_large",
                "a JSON document with one list per column must be read as a whole and has more "
                f"than {MAX_DOCUMENT_BYTES // 2**20} MiB; write it as JSON lines, "
                'such as with to_json(orient="records", lines=True)',
            )
    try:
        document = orjson.loads(b"".join(parts))
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def parse_json_columns(chunks: Iterator[bytes], names: list[str]) -> Iterator[Record]:
    """Yield one record per row of a document whose keys are columns.

    Raises:
        IngestError: object_too_large.
    """
    document = load_document(chunks)
    if document is None:
        yield Record(None, cut_off(), "")
        return
    columns = {name: _by_row(value) for name, value in document.items()}
    keys = dict.fromkeys(key for column in columns.values() for key in column)
    names = list(dict.fromkeys((*names, *columns)))
    _check_cells(columns, len(keys) * len(names))
    for key in keys:
        values = {name: columns.get(name, {}).get(key) for name in names}
        yield Record(None, values, values)


def _check_cells(columns: dict[str, dict[Any, Any]], cells: int) -> None:
    """Refuse columns that hardly share their rows: the table would be far larger than the document.

    Raises:
        IngestError: object_too_large.
    """
    values = sum(map(len, columns.values()))
    if cells > _MIN_SPARSE_CELLS and cells > values * _MAX_CELLS_PER_VALUE:
        raise IngestError(
            "object_too_large",
            f"the table of the JSON document has {cells} cells for {values} values, "
            f"the limit is {_MAX_CELLS_PER_VALUE} cells for each value",
        )


def _by_row(column: Any) -> dict[Any, Any]:
    if isinstance(column, dict):
        return column
    return dict(enumerate(column)) if isinstance(column, list) else {}
