"""Removes the rows of an excluded reviewer or product from the database, part by part."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from shared.db.connection import Connection, Database
from shared.db.ingest.ownership import delete_products, lock_owners
from shared.db.ingest.shards import LAST_RECORD, NEVER_TRIED
from shared.errors import WaitingError
from shared.schemas.exclusions import ExclusionKind
from shared.schemas.ingest import RejectReason

EXCLUDED_DETAIL = "its reviewer or product is excluded"
_COLUMNS: dict[ExclusionKind, LiteralString] = {
    ExclusionKind.REVIEWER: "reviewer_key",
    ExclusionKind.PRODUCT: "product_id",
}
_REJECTS_PER_TRANSACTION = 2000
_INSERT_REJECTS = """
INSERT INTO rejects (ingest_id, record, file, line, reason, detail, raw)
SELECT %s, record, file, line, %s, %s, ''
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS t (record, file, line)
ON CONFLICT (ingest_id, record) DO NOTHING
"""
_LANGUAGES = """
SELECT language, count(*) FROM analyses
WHERE review_id = ANY(%s) AND model_version = %s AND language IS NOT NULL GROUP BY language
"""
_NEXT_REJECTS = """
SELECT ingest_id, record, file, line, reason, raw FROM rejects
WHERE (ingest_id, record) > (%s, %s) ORDER BY ingest_id, record LIMIT %s
"""
_SCANNED = """
UPDATE exclusions SET scanned_ingest = %s, scanned_record = %s, updated_at = now()
WHERE exclusion_id = %s
"""
# a batch whose owners of duplicates are not known may have some of any
_HOLDERS = """
SELECT ingest_id, key, etag FROM ingests AS i
WHERE ingest_id = ANY(%(owners)s) OR EXISTS (
    SELECT FROM shards AS s WHERE s.ingest_id = i.ingest_id AND accepted > rows
      AND (duplicates_of IS NULL OR duplicates_of && %(owners)s)
) ORDER BY received_at, ingest_id
"""


@dataclass(frozen=True)
class ExcludedPart:
    """The rows of a stored batch that must go: record by review id."""

    ingest_id: str
    part: int
    fingerprint: str
    rows: int
    key: str
    model_version: str | None
    records: Mapping[str, int] = field(default_factory=dict)


def excluded_parts(database: Database, kind: ExclusionKind, subject: str) -> list[ExcludedPart]:
    """The batches that own rows of a reviewer or product; this reads the table of reviews once."""
    by_ingest: defaultdict[str, dict[str, int]] = defaultdict(dict)
    with database.transaction() as connection:
        for review_id, ingest_id, record in connection.execute(
            f"SELECT review_id, ingest_id, record FROM reviews WHERE {_COLUMNS[kind]} = %s",  # noqa: S608 - a constant
            (subject,),
        ):
            by_ingest[ingest_id][review_id] = record
        return [
            part
            for ingest_id, records in sorted(by_ingest.items())
            for part in _parts(connection, ingest_id, records)
        ]


def _parts(
    connection: Connection, ingest_id: str, records: Mapping[str, int]
) -> Iterable[ExcludedPart]:
    shards = connection.execute(
        f"SELECT part, fingerprint, rows, key, model_version, {LAST_RECORD} FROM shards"  # noqa: S608 - a constant
        " WHERE ingest_id = %s ORDER BY part",
        (ingest_id,),
    ).fetchall()
    ends = [row[-1] for row in shards]
    by_shard: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for review_id, record in records.items():
        by_shard[bisect_left(ends, record)][review_id] = record
    for place, own in sorted(by_shard.items()):
        part, fingerprint, rows, key, model_version, _ = shards[place]
        yield ExcludedPart(ingest_id, part, fingerprint, rows, key, model_version, own)


def remove_part(
    connection: Connection, part: ExcludedPart, write: Callable[[], bool]
) -> tuple[int, int]:
    """Remove the rows of a batch; its counts and its clean shard are changed with them.

    The rows become rejects without a text. No batch is stored until the transaction ends.

    Args:
        connection: the transaction; the caller commits.
        part: the batch and its rows.
        write: replaces the objects; returns whether the embeddings are complete.

    Returns:
        Numbers of rows and products.

    Raises:
        WaitingError: the batch has changed; find its rows again.
    """
    lock_owners(connection)
    row = connection.execute(
        "SELECT languages FROM shards WHERE ingest_id = %s AND part = %s AND fingerprint = %s"
        " AND rows = %s FOR UPDATE",
        (part.ingest_id, part.part, part.fingerprint, part.rows),
    ).fetchone()
    if row is None:
        raise WaitingError("a batch with excluded rows is being stored again")
    is_whole = write()
    review_ids = list(part.records)
    languages = Counter(row[0] or {})
    languages.subtract(_languages(connection, review_ids, part.model_version))
    deleted = connection.execute(
        "DELETE FROM reviews WHERE review_id = ANY(%s) AND ingest_id = %s RETURNING product_id",
        (review_ids, part.ingest_id),
    ).fetchall()
    _add_rejects(connection, part)
    _update_counts(connection, part, dict(+languages), is_processed=is_whole)
    return len(deleted), delete_products(connection, {name for (name,) in deleted if name})


def _languages(
    connection: Connection, review_ids: list[str], model_version: str | None
) -> dict[str, int]:
    rows = connection.execute(_LANGUAGES, (review_ids, model_version))
    return dict(rows.fetchall())


def _add_rejects(connection: Connection, part: ExcludedPart) -> None:
    row = connection.execute(
        "SELECT key FROM ingests WHERE ingest_id = %s", (part.ingest_id,)
    ).fetchone()
    key, records = row[0] if row else "", sorted(part.records.values())
    columns = (records, [key] * len(records), [None] * len(records))
    fixed = (part.ingest_id, RejectReason.EXCLUDED.value, EXCLUDED_DETAIL)
    connection.execute(_INSERT_REJECTS, (*fixed, *columns))


def _update_counts(
    connection: Connection, part: ExcludedPart, languages: dict[str, int], *, is_processed: bool
) -> None:
    number = len(part.records)
    connection.execute(
        "UPDATE shards SET accepted = accepted - %s, rejected = rejected + %s, rows = rows - %s,"
        " languages = CASE WHEN languages IS NOT NULL THEN %s::jsonb END, updated_at = now()"
        " WHERE ingest_id = %s AND part = %s",
        (number, number, number, Jsonb(languages), part.ingest_id, part.part),
    )
    if not is_processed:
        connection.execute(
            f"UPDATE shards SET {NEVER_TRIED}, model_version = NULL"  # noqa: S608 - a constant
            " WHERE ingest_id = %s AND part = %s",
            (part.ingest_id, part.part),
        )


def delete_product(database: Database, product_id: str) -> int:
    """Delete a product of which no review is left."""
    with database.transaction() as connection:
        lock_owners(connection)
        return delete_products(connection, {product_id})


def holding_ingests(database: Database, owners: Iterable[str]) -> list[tuple[str, str, str]]:
    """Ingests (id, key, ETag) whose object has, or may have, rows that these ingests owned."""
    with database.transaction() as connection:
        return connection.execute(_HOLDERS, {"owners": list(owners)}).fetchall()


def clear_rejects(
    database: Database,
    exclusion_id: str,
    is_excluded: Callable[[str], bool],
    before_commit: Callable[[Connection, Counter[str]], None],
) -> bool:
    """Remove the raw text of rejects that name a reviewer or product, in some of the table.

    Args:
        database: the ledger's.
        exclusion_id: remembers how far the table has been looked through.
        is_excluded: whether a raw text names it.
        before_commit: called with the number of rejects by ingest, if there are some.

    Returns:
        Whether others may follow.
    """
    with database.transaction() as connection:
        after = connection.execute(
            "SELECT scanned_ingest, scanned_record FROM exclusions WHERE exclusion_id = %s",
            (exclusion_id,),
        ).fetchone()
        rows = connection.execute(
            _NEXT_REJECTS, (*(after or ("", 0)), _REJECTS_PER_TRANSACTION)
        ).fetchall()
        cleared = [
            row
            for row in rows
            if row[4] != RejectReason.EXCLUDED and row[5] and is_excluded(row[5])
        ]
        for ingest_id, record, file, line, *_ in cleared:
            _clear(connection, ingest_id, (record, file, line))
        if rows:
            connection.execute(_SCANNED, (*rows[-1][:2], exclusion_id))
        if cleared:
            before_commit(connection, Counter(row[0] for row in cleared))
    return len(rows) == _REJECTS_PER_TRANSACTION


def _clear(connection: Connection, ingest_id: str, place: tuple[Any, ...]) -> None:
    connection.execute(
        "DELETE FROM rejects WHERE ingest_id = %s AND record = %s", (ingest_id, place[0])
    )
    fixed = (ingest_id, RejectReason.EXCLUDED.value, EXCLUDED_DETAIL)
    connection.execute(_INSERT_REJECTS, (*fixed, *([value] for value in place)))
