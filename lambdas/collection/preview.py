"""Previews a dump: reads it as collection does, and stores nothing."""

from dataclasses import replace
from typing import Any, BinaryIO

from lambdas.collection.preview_summary import Summary
from lambdas.collection.reading import Archive, Dump, ReadOptions, read_dump
from lambdas.collection.shown import fit_details, fit_names
from shared.errors import IngestError
from shared.schemas.preview import Preview
from shared.schemas.review import MAPPING_FIELDS

_BATCH_ROWS = 1000


class CountedStream:
    """A stream that counts the bytes read from it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.bytes_read = 0

    def read(self, size: int = -1) -> bytes:
        """Read from the stream."""
        body = self._stream.read(size)
        self.bytes_read += len(body)
        return body


def preview_dump(
    stream: BinaryIO,
    *,
    name: str,
    options: ReadOptions,
    max_bytes: int,
    max_rows: int | None = None,
    is_cut: bool = False,
) -> Preview:
    """Read a dump, or its beginning.

    Reviewers are hashed without the deployment's key, because a preview with it would let callers
    test names; for the same reason it has no review ids.

    Args:
        stream: the dump.
        name: its file name.
        options: mapping and limits.
        max_bytes: reading stops after the batch that passes this number of bytes.
        max_rows: reading stops after the batch that passes this number of rows.
        is_cut: whether the stream is only the beginning of the dump, so that its last record is
            incomplete.

    Returns:
        The preview. If only the column of the text is unknown, it has the columns and an error.

    Raises:
        IngestError: it cannot be read.
    """
    try:
        return _read(stream, name, options, max_bytes, max_rows, is_cut=is_cut)
    except IngestError as error:
        columns = error.details.get("columns")
        mapping: Any = error.details.get("mapping")
        if error.code != "schema_unknown" or not isinstance(columns, list):
            raise
        return Preview(
            **_mapping_of(name, columns, mapping or {}),
            is_complete=False,
            error_code=error.code,
            error_detail=error.message,
        )


def _mapping_of(name: str, columns: list[str], mapping: dict[str, list[str]]) -> dict[str, Any]:
    """The fields of a preview that say which column is which field."""
    used = {column for names in mapping.values() for column in names}
    return {
        "file": name,
        "fields": list(MAPPING_FIELDS),
        "columns": fit_names(columns),
        "mapping": {field: fit_names(names) for field, names in mapping.items()},
        "unused_columns": fit_names(column for column in columns if column not in used),
        "missing_fields": [field for field in MAPPING_FIELDS if field not in mapping],
    }


def _read(
    stream: BinaryIO,
    name: str,
    options: ReadOptions,
    max_bytes: int,
    max_rows: int | None,
    *,
    is_cut: bool,
) -> Preview:
    counted: Any = CountedStream(stream)
    dump = read_dump(
        counted,
        name=name,
        options=replace(options, reviewer_key=b"", batch_rows=_BATCH_ROWS, is_cut=is_cut),
    )
    summary = Summary()
    is_complete = not is_cut
    for batch in dump:
        summary.add(batch)
        if counted.bytes_read > max_bytes or (max_rows and summary.rows_read >= max_rows):
            is_complete = False
            break
    if is_cut:
        summary.drop_cut_record()
    # that the beginning of a dump ends within it is not a flaw
    warnings = [each for each in dump.warnings if not (is_cut and "truncated" in each)]
    return _preview(name, dump, summary, warnings, is_complete=is_complete)


def _preview(
    name: str, dump: Dump | Archive, summary: Summary, warnings: list[str], *, is_complete: bool
) -> Preview:
    profile = dump.profile
    source = next(iter(summary.sources)) if len(summary.sources) == 1 else None
    return Preview(
        **_mapping_of(name, list(profile.columns), dump.field_columns()),
        format=profile.format,
        compression=profile.compression,
        encoding=profile.encoding,
        dump_schema=profile.dump_schema,
        source=source,
        rows=summary.rows,
        rows_read=summary.rows_read,
        stored=summary.stored,
        duplicates=summary.accepted - summary.stored,
        rejected=summary.rejected,
        rejects_by_reason=dict(summary.reasons),
        rejects=summary.rejects,
        details=fit_details(profile.details),
        languages=dict(summary.languages.most_common()),
        warnings=warnings,
        is_complete=is_complete,
    )
