"""The ledger's records of batches: what is stored and processed, and when an ingest is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from shared.db.connection import Connection
from shared.db.ingest.outcomes import TOO_MANY_REJECTS
from shared.db.ingest.runs import record_progress
from shared.schemas.formats import LEDGER
from shared.schemas.messages import ProcessShard

OPEN_SHARD: LiteralString = "model_version IS NULL AND rows > 0 AND failed_at IS NULL"
"""Condition of a shard that waits for a model; one that failed too often does not."""
NEVER_TRIED: LiteralString = "attempts = 0, outages = 0, failure = NULL, failed_at = NULL"
"""SET clause of a shard whose earlier attempts do not matter any more."""


LAST_RECORD: LiteralString = (
    "coalesce(first_record + accepted + rejected - 1,"
    " sum(accepted + rejected) OVER (PARTITION BY ingest_id ORDER BY part))"
)
"""Expression for the last record of a shard; without its first one, all earlier ones are stored."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One committed batch of an ingest; ``fingerprint`` identifies the rows it was read from.

    ``model_version`` is the model that processed it.
    """

    part: int
    fingerprint: str
    accepted: int
    rejected: int
    rows: int
    key: str
    model_version: str | None = None
    recheck: bool = False
    """Whether it may have rows that nobody owns any more; see shared/db/ingest/ownership.py."""
    duplicates_of: list[str] = field(default_factory=list)
    """The other ingests that own its duplicates."""
    failed: bool = False
    """Whether it failed too often and is not tried again."""

    @property
    def processed(self) -> bool:
        """Whether a model has processed it."""
        return self.model_version is not None


def record_batch(
    connection: Connection,
    ingest_id: str,
    batch: StoredBatch,
    checkpoint: str | None = None,
    *,
    first_record: int | None = None,
) -> None:
    """Record a batch in the transaction that stores its rows, and touch the ingest.

    A batch that is recorded again with the same rows stays processed.

    Args:
        connection: the transaction; the caller commits.
        ingest_id: the ingest.
        batch: the batch.
        checkpoint: where the next run goes on (see runs.py).
        first_record: number of its first record; None: earlier batches are all stored.

    Raises:
        ConflictError: the upload is being undone, so nothing more may be stored of it.
    """
    connection.execute(
        "INSERT INTO shards"
        " (ingest_id, part, fingerprint, accepted, rejected, rows, key, format_version,"
        "  duplicates_of, first_record)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (ingest_id, part) DO UPDATE"
        " SET fingerprint = excluded.fingerprint, accepted = excluded.accepted,"
        " rejected = excluded.rejected, rows = excluded.rows, key = excluded.key,"
        " format_version = excluded.format_version, duplicates_of = excluded.duplicates_of,"
        " first_record = excluded.first_record,"
        " recheck_after = NULL, updated_at = now(), failed_at = NULL,"
        # a shard that is stored again in the same way for ever is not tried for ever
        " attempts = CASE WHEN (shards.fingerprint, shards.rows)"
        "  = (excluded.fingerprint, excluded.rows) THEN shards.attempts ELSE 0 END,"
        " model_version = CASE WHEN"
        " (shards.fingerprint, shards.rows) = (excluded.fingerprint, excluded.rows)"
        " THEN shards.model_version END",
        (
            *(ingest_id, batch.part, batch.fingerprint),
            *(batch.accepted, batch.rejected, batch.rows, batch.key, LEDGER.version),
            *(batch.duplicates_of, first_record),
        ),
    )
    record_progress(connection, ingest_id, checkpoint)


def stored_batches(
    connection: Connection, ingest_id: str, part: int | None = None
) -> list[StoredBatch]:
    """The committed batches of an ingest, or one of them.

    Raises:
        FormatError: a newer release wrote one of them.
    """
    query: LiteralString = (
        "SELECT format_version, part, fingerprint, accepted, rejected, rows, key,"
        " model_version, recheck_after IS NOT NULL, duplicates_of, failed_at IS NOT NULL"
        " FROM shards WHERE ingest_id = %s"
    )
    if part is None:
        rows = connection.execute(query, (ingest_id,)).fetchall()
    else:
        rows = connection.execute(f"{query} AND part = %s", (ingest_id, part)).fetchall()
    for version, number, *_ in rows:
        LEDGER.check(f"shard {number} of ingest {ingest_id}", version)
    return [StoredBatch(*row[1:]) for row in rows]


def process_lock(ingest_id: str, part: int) -> str:
    """Name of the lock for processing a shard (see Database.lock)."""
    return f"process:{ingest_id}:{part}"


def lock_batch(connection: Connection, ingest_id: str, batch: StoredBatch) -> bool:
    """Prevent the deletion of a batch until the transaction ends.

    Returns:
        Whether the batch still exists; False if its dump has been read again, or if it has more
        rows now.
    """
    row = connection.execute(
        "SELECT FROM shards WHERE ingest_id = %s AND part = %s AND fingerprint = %s AND rows = %s"
        " FOR UPDATE",
        (ingest_id, batch.part, batch.fingerprint, batch.rows),
    )
    return row.rowcount > 0


def mark_processed(
    connection: Connection,
    message: ProcessShard,
    model_version: str,
    languages: Mapping[str, int] | None = None,
) -> bool:
    """Mark a shard as processed; returns whether it was the ingest's last (see complete_ingest).

    Args:
        connection: the transaction; the caller commits.
        message: the shard.
        model_version: the model that processed it.
        languages: number of its reviews by language.
    """
    # serialises two workers that finish at the same time, so that the second sees the first
    connection.execute("SELECT FROM ingests WHERE ingest_id = %s FOR UPDATE", (message.ingest_id,))
    connection.execute(
        f"UPDATE shards SET {NEVER_TRIED}, updated_at = now(),"  # noqa: S608 - a constant
        " model_version = %s, languages = %s WHERE ingest_id = %s AND part = %s",
        (model_version, Jsonb(dict(languages or {})), message.ingest_id, message.part),
    )
    return complete_ingest(connection, message.ingest_id)


def complete_ingest(connection: Connection, ingest_id: str) -> bool:
    """Mark a collected ingest as processed if it has no open shard.

    Returns:
        Whether an index build is due: the ingest has been read (to its end, or until it failed),
        has stored rows, and has no open shard. A failed ingest stays failed. One with too many
        rejects, or with a failed shard, becomes processed_with_warnings.
    """
    row = connection.execute(
        "SELECT i.status, count(*) FILTER (WHERE rows > 0),"  # noqa: S608 - a constant
        f" count(*) FILTER (WHERE {OPEN_SHARD}), count(s.failed_at)"
        " FROM ingests AS i LEFT JOIN shards AS s USING (ingest_id)"
        " WHERE i.ingest_id = %s GROUP BY i.status",
        (ingest_id,),
    ).fetchone()
    if row is None or row[2] or row[0] in ("received", "collecting"):
        return False
    if row[0] == "collected":
        connection.execute(
            "UPDATE ingests SET updated_at = now(), status = CASE WHEN details ? %s OR %s"
            " THEN 'processed_with_warnings' ELSE 'processed' END WHERE ingest_id = %s",
            (TOO_MANY_REJECTS, row[3] > 0, ingest_id),
        )
    return bool(row[1])


def shard_message(row: tuple[Any, ...]) -> ProcessShard:
    """Create the message to process a shard from (ingest_id, part, key, rows)."""
    ingest_id, part, key, rows = row
    return ProcessShard(ingest_id=ingest_id, part=part, key=key, rows=rows)
