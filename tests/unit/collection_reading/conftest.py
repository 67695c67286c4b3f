"""Reads a dump that a test wrote, and checks the sum that must hold for every dump."""

import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from lambdas.collection.reading import (
    Archive,
    Dump,
    Limits,
    ReadOptions,
    read_dump,
    split_mapping,
)
from shared.schemas.ingest import Reject
from shared.storage.shard_schemas import CLEAN_SCHEMA


@dataclass
class Outcome:
    dump: Dump | Archive
    rows: list[dict[str, Any]]
    rejects: list[Reject]
    rows_read: int
    batches: list[int]

    @property
    def texts(self) -> list[str]:
        return [row["text"] for row in self.rows]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(reject.record, reject.reason.value) for reject in self.rejects]

    @property
    def warnings(self) -> list[str]:
        """Warnings, except the one that names unused columns and missing fields."""
        columns = re.compile(r"([^:]+: )?(no column for|columns not used)")
        return [warning for warning in self.dump.warnings if not columns.match(warning)]

    @property
    def counted(self) -> dict[str, int]:
        return dict(Counter(reject.reason.value for reject in self.rejects))


class Unseekable(io.RawIOBase):
    """A stream as S3 gives it: it can be read forward and nothing else."""

    def __init__(self, body: bytes, chunk: int | None = None) -> None:
        self._body = io.BytesIO(body)
        self._chunk = chunk

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._body.read(min(size, self._chunk) if self._chunk and size > 0 else size)


def read_all(
    body: bytes | str,
    *,
    mapping: dict[str, str] | None = None,
    hints: dict[str, str] | None = None,
    chunk: int | None = None,
    key: bytes = b"k" * 32,
    batch_rows: int = 20_000,
    name: str = "dump",
    **limits: Any,
) -> Outcome:
    data = body.encode() if isinstance(body, str) else body
    columns, options_of_mapping = split_mapping(mapping)
    options = ReadOptions(
        mapping=columns,
        hints=options_of_mapping | (hints or {}),
        reviewer_key=key,
        batch_rows=batch_rows,
        limits=Limits(**limits),
    )
    dump = read_dump(Unseekable(data, chunk), name=name, options=options)
    rows, rejects, read, batches = [], [], 0, []
    for batch in dump:
        assert batch.table.schema.equals(CLEAN_SCHEMA)
        batch.table.validate(full=True)
        assert batch.rows_read == batch.table.num_rows + len(batch.rejects)
        rows += batch.table.to_pylist()
        rejects += batch.rejects
        read += batch.rows_read
        batches.append(batch.rows_read)
    numbers = sorted([row["record"] for row in rows] + [reject.record for reject in rejects])
    assert numbers == list(range(1, read + 1)), "every record is one row or one reject"
    for reject in rejects:
        assert reject.file.partition("!")[0] == name
        assert len(reject.raw.encode()) <= 4096
        assert "\0" not in reject.raw
    for row in rows:
        for value in row.values():
            assert not (isinstance(value, str) and "\0" in value), "PostgreSQL refuses NUL"
    return Outcome(dump, rows, rejects, read, batches)


@pytest.fixture
def read():
    return read_all
