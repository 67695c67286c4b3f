"""The outcome of a collected ingest: whether enough of its rows were accepted."""

from psycopg.types.json import Jsonb

from shared.db.connection import Connection

TOO_MANY_REJECTS = "too_many_rejects"
"""Key of ``ingests.details``; an ingest that has it ends as processed_with_warnings."""
_SHOWN_REJECTS = 3
# that a reviewer or product is excluded is no flaw of the dump
_COUNTS = """
SELECT coalesce(sum(accepted), 0), coalesce(sum(rejected), 0) - (
    SELECT count(*) FROM rejects WHERE ingest_id = %(ingest)s AND reason = 'excluded')
FROM shards WHERE ingest_id = %(ingest)s
"""
_MAX_DETAIL_CHARACTERS = 120


def count_rows(connection: Connection, ingest_id: str) -> tuple[int, int]:
    """Accepted and rejected rows of an ingest so far; excluded rows do not count."""
    row = connection.execute(_COUNTS, {"ingest": ingest_id}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def record_outcome(connection: Connection, ingest_id: str, max_reject_share: float) -> None:
    """Mark an ingest as failed if all its rows were rejected; add a warning if too many were.

    Excluded rows do not count. Duplicates are accepted rows: the same dump again is no failure.

    Args:
        connection: the transaction; the caller commits.
        ingest_id: an ingest that has been read to its end.
        max_reject_share: the largest share of rejected rows without a warning, 0 to 1.
    """
    accepted, rejected = count_rows(connection, ingest_id)
    if not rejected or (accepted and rejected / (accepted + rejected) <= max_reject_share):
        return
    examples = _first_rejects(connection, ingest_id)
    if not accepted:
        connection.execute(
            "UPDATE ingests SET status = 'failed', error_code = 'nothing_stored',"
            " error_detail = %s WHERE ingest_id = %s",
            (f"all {rejected} rows were rejected; {examples}", ingest_id),
        )
        return
    total = accepted + rejected
    message = f"{rejected} of {total} rows were rejected; {examples}"
    details = {TOO_MANY_REJECTS: {"share": rejected / total, "limit": max_reject_share}}
    connection.execute(
        "UPDATE ingests SET details = details || %s, warnings = warnings || %s"
        " WHERE ingest_id = %s",
        (Jsonb(details), Jsonb([message]), ingest_id),
    )


def _first_rejects(connection: Connection, ingest_id: str) -> str:
    rows = connection.execute(
        "SELECT file, line, record, reason, detail FROM rejects WHERE ingest_id = %s"
        " AND reason <> 'excluded' ORDER BY record LIMIT %s",
        (ingest_id, _SHOWN_REJECTS),
    )
    return "first: " + "; ".join(_describe(*row) for row in rows)


def _describe(file: str, line: int | None, record: int, reason: str, detail: str) -> str:
    place = f"record {record}" if line is None else f"line {line}"
    return f"{file}, {place}: {reason} ({detail[:_MAX_DETAIL_CHARACTERS]})"
