"""Previews a dump: reads it as collection does, and stores nothing."""

from collections import Counter
from dataclasses import replace
from typing import Any, BinaryIO

import pyarrow as pa

from lambdas.collection.reading import Archive, Batch, Dump, ReadOptions, read_dump
from lambdas.collection.reading.schemas import FIELDS
from shared.errors import IngestError
from shared.schemas.ingest import Reject, RejectReason
from shared.schemas.preview import Preview

_SHOWN_ROWS = 10
_SHOWN_REJECTS = 10
_HIDDEN = frozenset({"review_id", "record", "source", "reviewer_key"})
_BATCH_ROWS = 1000
_CUT = RejectReason.TRUNCATED


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
        if error.code != "schema_unknown" or not isinstance(columns, list):
            raise
        return Preview(
            file=name,
            fields=list(FIELDS),
            columns=columns,
            unused_columns=columns,
            missing_fields=list(FIELDS),
            is_complete=False,
            error_code=error.code,
            error_detail=error.message,
        )


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
        counted, name=name, options=replace(options, reviewer_key=b"", batch_rows=_BATCH_ROWS)
    )
    summary = _Summary()
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


class _Summary:
    """Counts, first rows and first rejects of the batches read so far."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.rejects: list[Reject] = []
        self.reasons: Counter[str] = Counter()
        self.sources: set[str] = set()
        self.rows_read = self.accepted = self.rejected = 0
        self._ids: set[int] = set()
        self._last: Reject | None = None

    @property
    def stored(self) -> int:
        """Number of distinct reviews."""
        return len(self._ids)

    def add(self, batch: Batch) -> None:
        """Add the rows and rejects of a batch."""
        self.rows_read += batch.rows_read
        self.accepted += batch.table.num_rows
        self.rejected += len(batch.rejects)
        self.reasons.update(reject.reason.value for reject in batch.rejects)
        self.rejects += batch.rejects[: _SHOWN_REJECTS - len(self.rejects)]
        self._last = batch.rejects[-1] if batch.rejects else self._last
        self._ids.update(map(hash, batch.table["review_id"].to_pylist()))
        self.sources.update(batch.table["source"].unique().to_pylist()[:2])
        if len(self.rows) < _SHOWN_ROWS:
            self.rows += _shown(batch.table.slice(0, _SHOWN_ROWS - len(self.rows)))

    def drop_cut_record(self) -> None:
        """Forget the record in which the beginning of a dump ends; it is not an error."""
        last = self._last
        if last is None or last.record != self.rows_read or last.reason is not _CUT:
            return
        self.rows_read -= 1
        self.rejected -= 1
        self.reasons -= Counter([last.reason.value])
        self.rejects = [reject for reject in self.rejects if reject is not last]


def _shown(table: pa.Table) -> list[dict[str, Any]]:
    names = [
        name
        for name in table.column_names
        if name not in _HIDDEN and table[name].null_count < table.num_rows
    ]
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in table.select(names).to_pylist()
    ]


def _preview(
    name: str, dump: Dump | Archive, summary: _Summary, warnings: list[str], *, is_complete: bool
) -> Preview:
    profile = dump.profile
    columns = list(profile.columns)
    mapping = dump.field_columns()
    used = {column for names in mapping.values() for column in names}
    source = next(iter(summary.sources)) if len(summary.sources) == 1 else None
    return Preview(
        file=name,
        format=profile.format,
        compression=profile.compression,
        encoding=profile.encoding,
        dump_schema=profile.dump_schema,
        source=source,
        fields=list(FIELDS),
        columns=columns,
        mapping=mapping,
        unused_columns=[column for column in columns if column not in used],
        missing_fields=[field for field in FIELDS if field not in mapping],
        rows=summary.rows,
        rows_read=summary.rows_read,
        stored=summary.stored,
        duplicates=summary.accepted - summary.stored,
        rejected=summary.rejected,
        rejects_by_reason=dict(summary.reasons),
        rejects=summary.rejects,
        details=profile.details,
        warnings=warnings,
        is_complete=is_complete,
    )
