"""The SQLite side file of an index: what results show and filters need (rowid = FAISS position).

Its columns are the served fields of shared/schemas/review.py.
"""

import hashlib
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.errors import ArtefactError
from shared.index.conditions import EPOCH, Where, microseconds
from shared.schemas.formats import INDEX, UNVERSIONED
from shared.schemas.review import SERVED_FIELDS, FieldType, Filter, ReviewField
from shared.schemas.sentiment import LABELS

FILE = "rows.sqlite"
_MMAP_BYTES = 1 << 30
_MAX_PARAMETERS = 500  # of one statement; SQLite takes more, but parses longer statements slower
_TYPES = {
    FieldType.IDENTIFIER: "TEXT",
    FieldType.NAME: "TEXT",
    FieldType.TEXT: "TEXT",
    FieldType.REAL: "REAL",
    FieldType.COUNT: "INTEGER",
    FieldType.POSITION: "INTEGER",
    FieldType.MOMENT: "INTEGER",
    FieldType.FLAG: "INTEGER",
    FieldType.URLS: "TEXT",
    FieldType.SENTIMENT: "INTEGER",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One review of an index; the served fields are attributes."""

    position: int
    fields: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(name) from None


def text_hash(text: str) -> int:
    """Signed 64-bit hash that is equal for reviews with exactly the same text."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


_ENCODERS: dict[FieldType, Callable[[Any], Any]] = {
    FieldType.MOMENT: microseconds,
    FieldType.SENTIMENT: LABELS.index,
}
_DECODERS: dict[FieldType, Callable[[Any], Any]] = {
    FieldType.MOMENT: lambda value: EPOCH + timedelta(microseconds=value),
    FieldType.SENTIMENT: lambda value: LABELS[value].value,
}


def _definition(field: ReviewField) -> str:
    return f"{field.name} {_TYPES[field.type]}{' NOT NULL' if field.required else ''}"


def _create_table() -> str:
    columns = ", ".join(_definition(field) for field in SERVED_FIELDS)
    return (
        "CREATE TABLE reviews (id INTEGER PRIMARY KEY, text_hash INTEGER NOT NULL, "
        f"{columns}) STRICT"
    )


def _create_indexes() -> list[str]:
    """One index for each filter; those that compare values also order by the ranges."""
    ranges = [field.name for field in SERVED_FIELDS if field.filter == Filter.RANGE]
    columns = [
        [field.name, "sentiment", *ranges, "understood"]
        for field in SERVED_FIELDS
        if field.filter in (Filter.EQUALS, Filter.AMONG) and field.name != "sentiment"
    ]
    columns += [["sentiment", *ranges, "understood"], *(ranges[at:] for at in range(len(ranges)))]
    return [f"CREATE INDEX by_{names[0]} ON reviews ({', '.join(names)})" for names in columns]


class RowWriter:
    """Writes a side file, row after row; memory stays flat."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        version = f"user_version = {INDEX.version}"
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "page_size = 8192", version):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(_create_table())
        self._count = 0
        names = ["id", "text_hash", *(field.name for field in SERVED_FIELDS)]
        places = ", ".join("?" * len(names))
        self._insert = f"INSERT INTO reviews ({', '.join(names)}) VALUES ({places})"  # noqa: S608
        self._encoders = [(field.name, _ENCODERS.get(field.type)) for field in SERVED_FIELDS]

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Append rows with the columns of SERVED_SCHEMA, as Python values."""
        numbered = (self._values(self._count + i, row) for i, row in enumerate(rows))
        self._connection.execute("BEGIN")
        cursor = self._connection.executemany(self._insert, numbered)
        self._connection.execute("COMMIT")
        self._count += cursor.rowcount

    def _values(self, position: int, row: dict[str, Any]) -> list[object]:
        values: list[object] = [position, text_hash(row["text"])]
        for name, encode in self._encoders:
            value = row.get(name)
            values.append(value if encode is None or value is None else encode(value))
        return values

    def close(self) -> None:
        """Create the indexes and the planner's statistics, and close the file."""
        for statement in (*_create_indexes(), "ANALYZE"):
            self._connection.execute(statement)
        self._connection.close()


class RowReader:
    """Reads a side file, memory-mapped and immutable; any number of threads at once."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            FormatError: this release does not read its format version.
            ArtefactError: it is not a side file.
        """
        self._uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self._idle: deque[sqlite3.Connection] = deque()
        try:
            with self._connection() as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                INDEX.check(path.name, version or UNVERSIONED)
                columns = connection.execute("SELECT name FROM pragma_table_info('reviews')")
                present = {name for (name,) in columns}
                top = connection.execute("SELECT max(id) FROM reviews").fetchone()[0]
        except sqlite3.Error as error:
            raise ArtefactError(f"{path.name} cannot be opened") from error
        self.count: int = 0 if top is None else top + 1
        self.missing = {field.name for field in SERVED_FIELDS} - present
        """Served fields that the file was written without: all null."""
        names = [name if name in present else "NULL" for name, _ in _DECODED]
        self._select = f"SELECT id, {', '.join(names)} FROM reviews WHERE id IN"  # noqa: S608

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = sqlite3.connect(self._uri, uri=True, check_same_thread=False)
            connection.execute(f"PRAGMA mmap_size = {_MMAP_BYTES}")
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def select(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of a query."""
        with self._connection() as connection:
            return connection.execute(sql, parameters).fetchall()

    def matching(self, where: Where) -> list[int]:
        """Positions of all rows that a condition holds for, ascending."""
        sql = f"SELECT id FROM reviews WHERE {where.sql}"  # noqa: S608 - our own columns
        with self._connection() as connection:
            return sorted(row[0] for row in connection.execute(sql, where.parameters))

    def hashes(self, positions: Sequence[int], where: Where | None = None) -> dict[int, int]:
        """Text hash by position, for those of the positions that the condition holds for."""
        hashes: dict[int, int] = {}
        condition, values = (f" AND {where.sql}", where.parameters) if where else ("", ())
        for part in _parts(positions):
            # NOT INDEXED leaves only the primary key to find rows by: a few hundred look-ups,
            # where an index on a filter's column could walk half the table.
            sql = (
                "SELECT id, text_hash FROM reviews NOT INDEXED "  # noqa: S608 - our own columns
                f"WHERE id IN ({','.join('?' * len(part))}){condition}"
            )
            with self._connection() as connection:
                hashes.update(connection.execute(sql, (*part, *values)).fetchall())
        return hashes

    def rows(self, positions: Sequence[int]) -> dict[int, Row]:
        """Rows by position."""
        rows: dict[int, Row] = {}
        for part in _parts(positions):
            sql = f"{self._select} ({','.join('?' * len(part))})"
            with self._connection() as connection:
                for position, *values in connection.execute(sql, part):
                    rows[position] = Row(position, _decoded(values))
        return rows


_DECODED = [(field.name, _DECODERS.get(field.type)) for field in SERVED_FIELDS]


def _decoded(values: Sequence[Any]) -> dict[str, Any]:
    return {
        name: value if decode is None or value is None else decode(value)
        for (name, decode), value in zip(_DECODED, values, strict=True)
    }


def _parts(positions: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(positions), _MAX_PARAMETERS):
        yield positions[start : start + _MAX_PARAMETERS]
