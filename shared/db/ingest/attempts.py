"""The ledger's records of attempts at a shard: after too many, the shard is failed.

Attempts are counted before they start, so that those that never end (a killed worker, no memory
left) count as well. An attempt that failed because a dependency did not answer is counted apart,
with a far higher limit, as the fault is hardly in the shard: with the delays between attempts, the
limit is reached after most of a day.
"""

from typing import LiteralString

from shared.db.connection import Database
from shared.db.ingest.shards import NEVER_TRIED, complete_ingest
from shared.errors import ReviewlensError
from shared.schemas.messages import ProcessShard

_OUTAGES_PER_ATTEMPT = 20
_MAX_REASON_CHARACTERS = 500
_NO_ANSWER = (
    "no attempt came to an end: the worker was killed, ran out of time or memory, or found a"
    " damaged clean shard"
)
_BEGIN: LiteralString = """
UPDATE shards SET attempts = attempts + 1, updated_at = now()
WHERE ingest_id = %(ingest_id)s AND part = %(part)s AND attempts < %(max)s
"""
_RECORD: LiteralString = """
UPDATE shards SET attempts = attempts - %(outage)s, outages = outages + %(outage)s,
    failure = %(reason)s, updated_at = now()
WHERE ingest_id = %(ingest_id)s AND part = %(part)s
RETURNING attempts >= %(max)s OR outages >= %(max_outages)s
"""
_GIVE_UP: LiteralString = """
UPDATE shards SET failed_at = now(), updated_at = now(),
    failure = coalesce(%(reason)s, failure, %(default)s)
WHERE ingest_id = %(ingest_id)s AND part = %(part)s RETURNING failure
"""
_REOPEN: LiteralString = f"""
UPDATE shards SET {NEVER_TRIED}, updated_at = now()
WHERE ingest_id = %s AND failed_at IS NOT NULL
"""  # noqa: S608 - a constant


def begin_attempt(database: Database, shard: ProcessShard, max_attempts: int) -> bool:
    """Count an attempt at an open shard; False if it has had too many already."""
    with database.transaction() as connection:
        counted = connection.execute(
            _BEGIN,
            {"ingest_id": shard.ingest_id, "part": shard.part, "max": max_attempts},
        )
        return counted.rowcount > 0


def record_failure(
    database: Database, shard: ProcessShard, error: Exception, max_attempts: int
) -> str | None:
    """Record why an attempt failed.

    Returns:
        The reason, if this was the last attempt: the shard must be given up.
    """
    is_outage = isinstance(error, ReviewlensError) and error.retryable
    arguments = {
        "ingest_id": shard.ingest_id,
        "part": shard.part,
        "reason": _reason(error),
        "outage": int(is_outage),
        "max": max_attempts,
        "max_outages": max_attempts * _OUTAGES_PER_ATTEMPT,
    }
    with database.transaction() as connection:
        row = connection.execute(_RECORD, arguments).fetchone()
    return str(arguments["reason"]) if row and row[0] else None


def give_up(database: Database, shard: ProcessShard, reason: str | None = None) -> tuple[str, bool]:
    """Mark an open shard as failed.

    Args:
        database: the ledger's.
        shard: the shard.
        reason: why; by default what the last attempt recorded.

    Returns:
        The reason, and whether an index build is due because no shard of its ingest is open.
    """
    names = {"ingest_id": shard.ingest_id, "part": shard.part}
    with database.transaction() as connection:
        row = connection.execute(
            _GIVE_UP,
            {**names, "reason": reason, "default": _NO_ANSWER},
        ).fetchone()
        # serialises two workers that finish at the same time, as in mark_processed
        connection.execute("SELECT FROM ingests WHERE ingest_id = %(ingest_id)s FOR UPDATE", names)
        return str(row[0]) if row else _NO_ANSWER, complete_ingest(connection, shard.ingest_id)


def reopen_failed(database: Database, ingest_id: str) -> int:
    """Make the failed shards of an ingest open again; returns their number."""
    with database.transaction() as connection:
        reopened = connection.execute(_REOPEN, (ingest_id,)).rowcount
        if reopened:
            connection.execute(
                "UPDATE ingests SET status = 'collected', announced = NULL, updated_at = now()"
                " WHERE ingest_id = %s"
                " AND status IN ('processed', 'processed_with_warnings')",
                (ingest_id,),
            )
    return reopened


def _reason(error: Exception) -> str:
    """The error for users: messages of unexpected ones may contain review texts."""
    if isinstance(error, ReviewlensError):
        text = f"{error.code}: {error.message}"
    else:
        text = f"internal_error: {type(error).__name__}"
    return text.replace("\0", "\ufffd")[:_MAX_REASON_CHARACTERS]
