"""The ledger's records of the pictures of reviews, in batches that are fetched together."""

from collections.abc import Iterable, Iterator
from typing import LiteralString, NamedTuple

from shared.db.connection import Connection, Database
from shared.db.ingest.ownership import hold_owners
from shared.schemas.messages import FetchPictures
from shared.schemas.pictures import (
    OUTCOMES,
    PICTURES_PER_BATCH,
    URL_SEPARATOR,
    PictureResults,
    WantedPicture,
)

_UNPLANNED: LiteralString = """
SELECT i.ingest_id FROM ingests AS i
WHERE i.status IN ('collected', 'processed', 'processed_with_warnings') AND EXISTS (
    SELECT FROM reviews AS r WHERE r.ingest_id = i.ingest_id AND r.picture_urls IS NOT NULL
    AND r.record > coalesce(
        (SELECT max(last) FROM picture_batches AS b WHERE b.ingest_id = i.ingest_id), 0))
ORDER BY i.ingest_id
"""
_PLANNED = """
SELECT coalesce(max(last), 0), coalesce(sum(pictures), 0) FROM picture_batches
WHERE ingest_id = %s
"""
_ADDRESSES = """
SELECT record, review_id, picture_urls FROM reviews
WHERE ingest_id = %s AND record BETWEEN %s AND %s AND picture_urls IS NOT NULL ORDER BY record
LIMIT %s
"""
_REST = """
INSERT INTO picture_batches (ingest_id, first, last, pictures, fetched, refused, failed)
SELECT ingest_id, min(record), max(record), 0, 0,
       sum(cardinality(string_to_array(picture_urls, ' '))), 0
FROM reviews WHERE ingest_id = %s AND record > %s AND picture_urls IS NOT NULL GROUP BY ingest_id
"""
_EMBED_AGAIN = """
UPDATE picture_batches SET model_version = NULL WHERE ingest_id = %s AND EXISTS (
    SELECT FROM unnest(%s::bigint[]) AS t (record) WHERE record BETWEEN first AND last)
"""
_LAST_RECORD = 2**63 - 1


class _Slice(NamedTuple):
    first: int
    last: int
    pictures: int


def plan(database: Database, ingest_id: str, limit: int) -> list[FetchPictures]:
    """Record the pictures of an ingest that no batch has yet, and return the batches to queue.

    Args:
        database: the ledger's.
        ingest_id: the ingest.
        limit: pictures of an ingest that are fetched; those beyond it are recorded as refused.
    """
    with database.transaction() as connection:
        connection.execute("SELECT FROM ingests WHERE ingest_id = %s FOR UPDATE", (ingest_id,))
        last, planned = connection.execute(_PLANNED, (ingest_id,)).fetchone() or (0, 0)
        rows = connection.execute(
            _ADDRESSES, (ingest_id, last + 1, _LAST_RECORD, max(0, limit - planned))
        )
        records = [(record, urls.count(URL_SEPARATOR) + 1) for record, _, urls in rows]
        slices = list(_slices(records, limit - planned))
        for each in slices:
            connection.execute(
                "INSERT INTO picture_batches (ingest_id, first, last, pictures)"
                " VALUES (%s, %s, %s, %s)",
                (ingest_id, *each),
            )
        connection.execute(_REST, (ingest_id, slices[-1].last if slices else last))
        return [_message(connection, ingest_id, each.first, each.last) for each in slices]


def _slices(records: Iterable[tuple[int, int]], limit: int) -> Iterator[_Slice]:
    """Group records with their numbers of pictures; those that exceed the limit are left out."""
    first, last, count, total = 0, 0, 0, 0
    for record, pictures in records:
        total += pictures
        if total > limit:
            break
        if count and count + pictures > PICTURES_PER_BATCH:
            yield _Slice(first, last, count)
            count = 0
        first, last, count = (first if count else record), record, count + pictures
    if count:
        yield _Slice(first, last, count)


def unplanned(database: Database) -> list[str]:
    """Ids of the collected ingests with pictures that no batch has."""
    with database.transaction() as connection:
        return [row[0] for row in connection.execute(_UNPLANNED)]


def stale(database: Database, age_seconds: float) -> list[FetchPictures]:
    """Batches that have waited for so long that their messages may be lost, queued again now."""
    with database.transaction() as connection:
        rows = connection.execute(
            "UPDATE picture_batches SET queued_at = now() WHERE fetched IS NULL"
            " AND queued_at <= now() - make_interval(secs => %s)"
            " RETURNING ingest_id, first, last",
            (age_seconds,),
        ).fetchall()
        return [_message(connection, *row) for row in sorted(rows)]


def _message(connection: Connection, ingest_id: str, first: int, last: int) -> FetchPictures:
    rows = connection.execute(_ADDRESSES, (ingest_id, first, last, None))
    pictures = [
        WantedPicture(review_id=review_id, url=url)
        for _, review_id, urls in rows
        for url in urls.split(URL_SEPARATOR)
    ]
    return FetchPictures(ingest_id=ingest_id, first=first, pictures=pictures)


def outdated(database: Database, model_version: str, age_seconds: float) -> list[FetchPictures]:
    """Batches that another model embedded, queued again now.

    Args:
        database: the ledger's.
        model_version: the current model.
        age_seconds: minimum time since they were queued: the worker embeds with the model of the
            current index, which may be the previous one for a while.
    """
    with database.transaction() as connection:
        rows = connection.execute(
            "UPDATE picture_batches SET queued_at = now() WHERE fetched > 0"
            " AND model_version IS DISTINCT FROM %s"
            " AND queued_at <= now() - make_interval(secs => %s)"
            " RETURNING ingest_id, first, last",
            (model_version, age_seconds),
        ).fetchall()
        return [_message(connection, *row) for row in sorted(rows)]


def embed_again(connection: Connection, ingest_id: str, records: Iterable[int]) -> bool:
    """Have the batches of some records embedded again by a later sweep; False without any."""
    return connection.execute(_EMBED_AGAIN, (ingest_id, list(records))).rowcount > 0


def record(
    connection: Connection,
    ingest_id: str,
    first: int,
    results: PictureResults,
    model_version: str | None,
) -> bool:
    """Record what became of a batch; False if the ledger does not have it any more.

    Args:
        connection: the caller's transaction.
        ingest_id: the ingest.
        first: the first record of the batch.
        results: what became of its pictures.
        model_version: the model that embedded them; None to have them embedded again.
    """
    counts = [results.count(outcome) for outcome in OUTCOMES]
    row = connection.execute(
        "UPDATE picture_batches SET fetched = %s, refused = %s, failed = %s,"
        " model_version = %s WHERE ingest_id = %s AND first = %s",
        (*counts, model_version, ingest_id, first),
    )
    return row.rowcount > 0


def is_complete(database: Database, ingest_id: str, model_version: str) -> bool:
    """Whether no picture of an ingest waits to be fetched, or to be embedded by a model."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT FROM picture_batches WHERE ingest_id = %s AND (fetched IS NULL"
            " OR fetched > 0 AND model_version IS DISTINCT FROM %s) LIMIT 1",
            (ingest_id, model_version),
        )
        return row.rowcount == 0


def lost_reviews(connection: Connection, ingest_id: str, review_ids: Iterable[str]) -> set[str]:
    """Those of some reviews that the ingest does not own any more; none is removed meanwhile."""
    hold_owners(connection)
    wanted = set(review_ids)
    rows = connection.execute(
        "SELECT review_id FROM reviews WHERE review_id = ANY(%s) AND ingest_id = %s",
        (sorted(wanted), ingest_id),
    )
    return wanted - {row[0] for row in rows}
