"""The SQLite side file of an index: what answers show and filters need (rowid = FAISS position)."""

import hashlib
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from shared.errors import ArtefactError
from shared.schemas.api import SearchFilters
from shared.schemas.formats import INDEX, UNVERSIONED
from shared.schemas.sentiment import LABELS

FILE = "rows.sqlite"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MMAP_BYTES = 1 << 30
_PARAMETERS = 500  # of one statement; SQLite takes more, and longer statements parse slower
_TABLE = """
CREATE TABLE reviews (
  id INTEGER PRIMARY KEY,
  review_id TEXT NOT NULL, product_id TEXT, category TEXT, source TEXT NOT NULL,
  title TEXT, text TEXT NOT NULL, text_hash INTEGER NOT NULL,
  rating REAL, reviewed_at INTEGER, sentiment INTEGER NOT NULL, confidence REAL NOT NULL
) STRICT
"""
_INDEXES = (
    "CREATE INDEX by_product ON reviews (product_id, sentiment, rating, reviewed_at)",
    "CREATE INDEX by_category ON reviews (category, sentiment, rating, reviewed_at)",
    "CREATE INDEX by_sentiment ON reviews (sentiment, rating, reviewed_at)",
    "CREATE INDEX by_rating ON reviews (rating, reviewed_at)",
    "CREATE INDEX by_date ON reviews (reviewed_at)",
)
_SHOWN = (
    *("id", "review_id", "product_id", "category", "title", "text", "rating", "reviewed_at"),
    "sentiment",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One review as answers show it; ``position`` is its FAISS position."""

    position: int
    review_id: str
    product_id: str | None
    category: str | None
    title: str | None
    text: str
    rating: float | None
    reviewed_at: datetime | None
    sentiment: str


def text_hash(text: str) -> int:
    """Signed 64-bit hash by which answers tell that two reviews say the very same."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 (UTC), exact."""
    return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND


class RowWriter:
    """Writes a side file, row after row; memory stays flat."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        version = f"user_version = {INDEX.version}"
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "page_size = 8192", version):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(_TABLE)
        self._count = 0

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Append rows with the columns of SERVED_SCHEMA, as Python values."""
        numbered = (_values(self._count + i, row) for i, row in enumerate(rows))
        self._connection.execute("BEGIN")
        cursor = self._connection.executemany(
            f"INSERT INTO reviews VALUES ({', '.join('?' * 12)})",  # noqa: S608 - placeholders only
            numbered,
        )
        self._connection.execute("COMMIT")
        self._count += cursor.rowcount

    def close(self) -> None:
        """Make the indexes and the planner's statistics, and close the file."""
        for statement in (*_INDEXES, "ANALYZE"):
            self._connection.execute(statement)
        self._connection.close()


def _values(position: int, row: dict[str, Any]) -> tuple[object, ...]:
    moment = row["reviewed_at"]
    return (
        position,
        row["review_id"],
        row["product_id"],
        row["category"],
        row["source"],
        row["title"],
        row["text"],
        text_hash(row["text"]),
        row["rating"],
        None if moment is None else microseconds(moment),
        LABELS.index(row["sentiment"]),
        row["confidence"],
    )


@dataclass(frozen=True, slots=True)
class Where:
    """A condition in SQL with its parameters."""

    sql: str
    parameters: tuple[object, ...]


def where_of(filters: SearchFilters | None) -> Where | None:
    """The condition that filters mean; None when they ask for nothing."""
    if filters is None:
        return None
    products = {filters.product_id} if filters.product_id is not None else None
    if filters.product_ids is not None:
        several = set(filters.product_ids)
        products = several if products is None else products & several
    sentiments = {filters.sentiment} if filters.sentiment is not None else None
    if filters.sentiments is not None:
        kinds = set(filters.sentiments)
        sentiments = kinds if sentiments is None else sentiments & kinds
    numbers = None if sentiments is None else {LABELS.index(name) for name in sentiments}
    conditions = [
        _among("product_id", products),
        _among("sentiment", numbers),
        _among("category", None if filters.category is None else {filters.category}),
        _bound("rating >= ?", filters.min_rating),
        _bound("rating <= ?", filters.max_rating),
        _bound("reviewed_at >= ?", _start_of(filters.date_from)),
        _bound("reviewed_at < ?", _start_of(_next_day(filters.date_to))),
    ]
    given = [condition for condition in conditions if condition is not None]
    if not given:
        return None
    parameters = tuple(value for condition in given for value in condition.parameters)
    return Where(" AND ".join(condition.sql for condition in given), parameters)


def _among(column: str, values: set[Any] | None) -> Where | None:
    if values is None:
        return None
    return Where(f"{column} IN ({', '.join('?' * len(values))})", tuple(sorted(values)))


def _bound(sql: str, value: object) -> Where | None:
    return None if value is None else Where(sql, (value,))


def _start_of(day: date | None) -> int | None:
    return None if day is None else microseconds(datetime.combine(day, time(), UTC))


def _next_day(day: date | None) -> date | None:
    return None if day is None or day == date.max else day + timedelta(days=1)


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
                self._columns = {name for (name,) in columns}
                top = connection.execute("SELECT max(id) FROM reviews").fetchone()[0]
        except sqlite3.Error as error:
            raise ArtefactError(f"{path.name} cannot be opened") from error
        self.count: int = 0 if top is None else top + 1
        self._shown = ", ".join(self._expression(name) for name in _SHOWN)

    def _expression(self, column: str) -> str:
        """A column in SQL: null where the file was written before the column existed."""
        return column if column in self._columns else f"NULL AS {column}"

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

    def matching(self, where: Where) -> list[int]:
        """Positions of all rows that a condition holds for, ascending."""
        sql = f"SELECT id FROM reviews WHERE {where.sql}"  # noqa: S608 - our own columns
        with self._connection() as connection:
            return sorted(row[0] for row in connection.execute(sql, where.parameters))

    def hashes(self, positions: Sequence[int], where: Where | None = None) -> dict[int, int]:
        """Text hash by position, for those of the positions that the condition holds for."""
        found: dict[int, int] = {}
        condition, values = (f" AND {where.sql}", where.parameters) if where else ("", ())
        for part in _parts(positions):
            # NOT INDEXED leaves the primary key alone to find rows by: a few hundred look-ups,
            # where an index on a filter's column could walk half the table.
            sql = (
                "SELECT id, text_hash FROM reviews NOT INDEXED "  # noqa: S608 - our own columns
                f"WHERE id IN ({','.join('?' * len(part))}){condition}"
            )
            with self._connection() as connection:
                found.update(connection.execute(sql, (*part, *values)).fetchall())
        return found

    def rows(self, positions: Sequence[int]) -> dict[int, Row]:
        """Rows by position."""
        found: dict[int, Row] = {}
        for part in _parts(positions):
            sql = f"SELECT {self._shown} FROM reviews WHERE id IN ({','.join('?' * len(part))})"  # noqa: S608
            with self._connection() as connection:
                for record in connection.execute(sql, part):
                    found[record[0]] = _row(record)
        return found


def _parts(positions: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(positions), _PARAMETERS):
        yield positions[start : start + _PARAMETERS]


def _row(record: tuple[Any, ...]) -> Row:
    moment = record[7]
    shown = None if moment is None else _EPOCH + timedelta(microseconds=moment)
    return Row(*(*record[:7], shown, LABELS[record[8]].value))
