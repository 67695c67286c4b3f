"""What the ledger says about stored shards, and how a lost clean shard is read again."""

from dataclasses import dataclass

from shared.db.connection import Connection
from shared.schemas.ingest import IngestStatus
from shared.schemas.messages import ProcessShard

_LOST_DUMP = ("object_missing", "object_corrupt", "object_superseded")
"""Error codes of an ingest whose dump cannot be read any more."""
_READING = (IngestStatus.RECEIVED, IngestStatus.COLLECTING)


@dataclass(frozen=True, slots=True)
class LedgerShard:
    """A clean shard of the ledger; ``model_version`` is None while no model has processed it."""

    ingest_id: str
    part: int
    key: str
    rows: int
    model_version: str | None

    @property
    def message(self) -> ProcessShard:
        """The message to process it."""
        return ProcessShard(ingest_id=self.ingest_id, part=self.part, key=self.key, rows=self.rows)


def ledger_shards(connection: Connection) -> list[LedgerShard]:
    """All shards with rows, in the order of their keys."""
    rows = connection.execute(
        "SELECT ingest_id, part, key, rows, model_version FROM shards WHERE rows > 0"
        " ORDER BY ingest_id, part"
    )
    return [LedgerShard(*row) for row in rows]


def lock_shard(connection: Connection, ingest_id: str, part: int) -> LedgerShard | None:
    """A shard with rows, locked until the transaction ends; None if it is not in the ledger."""
    row = connection.execute(
        "SELECT ingest_id, part, key, rows, model_version FROM shards"
        " WHERE ingest_id = %s AND part = %s AND rows > 0 FOR UPDATE",
        (ingest_id, part),
    ).fetchone()
    return LedgerShard(*row) if row else None


def last_model(connection: Connection) -> str | None:
    """The model that processed a shard most recently."""
    row = connection.execute(
        "SELECT model_version FROM shards WHERE model_version IS NOT NULL"
        " ORDER BY updated_at DESC LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def request_rereading(connection: Connection, ingest_id: str) -> bool:
    """Have a dump read again, because a clean shard of it is lost; the next sweep queues it.

    Everything stored stays; reading writes the clean shards that are missing.

    Returns:
        Whether it will be read; False if its dump is lost as well.
    """
    row = connection.execute(
        "SELECT status, error_code FROM ingests WHERE ingest_id = %s FOR UPDATE", (ingest_id,)
    ).fetchone()
    if row is None or (row[0] == IngestStatus.FAILED and row[1] in _LOST_DUMP):
        return False
    if row[0] not in _READING:
        # an old time, so that the sweep does not take it for work in progress
        connection.execute(
            "UPDATE ingests SET status = 'received', finished_at = NULL,"
            " updated_at = now() - interval '1 hour' WHERE ingest_id = %s",
            (ingest_id,),
        )
    return True
