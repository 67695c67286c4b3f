"""The ledger's records of uploads that are undone."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import LiteralString

from psycopg.types.json import Jsonb

from shared.db.connection import Connection, Database
from shared.db.ingest.ownership import delete_batches
from shared.db.ingest.runs import NO_RUN
from shared.schemas.ingest import IngestStatus
from shared.schemas.undo import Receipt, UndoState

_PARTS_PER_TRANSACTION = 100
_REQUEST = """
UPDATE ingests SET status = 'undoing', undo = %s, updated_at = now(), finished_at = NULL
WHERE ingest_id = %s AND status NOT IN ('undoing', 'undone')
"""
_RECORD = "UPDATE ingests SET undo = %s, updated_at = now() WHERE ingest_id = %s"
# what reading said of the dump may quote it
_CLEAR: LiteralString = f"""
UPDATE ingests SET warnings = '[]', details = '{{}}', error_code = NULL, error_detail = NULL,
    bulk = NULL, {NO_RUN} WHERE ingest_id = %s
"""  # noqa: S608 - a constant
_FINISH = """
UPDATE ingests SET status = 'undone', undo = %s, updated_at = now(), finished_at = now()
WHERE ingest_id = %s AND status = 'undoing'
"""
_REOPEN = """
UPDATE ingests SET status = 'received', undo = NULL, received_at = now(), updated_at = now(),
    started_at = NULL, finished_at = NULL
WHERE ingest_id = %s AND status = 'undone'
"""


def request_undo(database: Database, ingest_id: str) -> UndoState | None:
    """Mark an ingest as being undone, unless it is; None if it is unknown."""
    receipt = Receipt(requested_at=datetime.now(UTC))
    with database.transaction() as connection:
        connection.execute(_REQUEST, (_json(receipt), ingest_id))
    return undo_state(database, ingest_id)


def undo_state(database: Database, ingest_id: str) -> UndoState | None:
    """The state of an ingest that is undone or being undone; None for any other."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT status, undo FROM ingests WHERE ingest_id = %s"
            " AND status IN ('undoing', 'undone')",
            (ingest_id,),
        ).fetchone()
    if row is None:
        return None
    receipt = Receipt.model_validate(row[1])
    return UndoState(ingest_id=ingest_id, status=IngestStatus(row[0]), undo=receipt)


def undone_object(database: Database, ingest_id: str) -> tuple[str, str] | None:
    """Key and ETag of the object of an ingest; None if the ingest is unknown."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT key, etag FROM ingests WHERE ingest_id = %s", (ingest_id,)
        ).fetchone()
    return (row[0], row[1]) if row else None


def unfinished(database: Database, idle_seconds: float) -> list[str]:
    """Ids of the ingests that are being undone and were not worked on for a while."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT ingest_id FROM ingests WHERE status = 'undoing'"
            " AND updated_at <= now() - make_interval(secs => %s) ORDER BY ingest_id",
            (idle_seconds,),
        )
        return [row[0] for row in rows]


def delete_rows(database: Database, ingest_id: str) -> None:
    """Delete all that the database has of an ingest, and count it in the receipt.

    A transaction deletes some of the last batches, so that an interrupted run is continued.
    """
    with database.transaction() as connection:
        connection.execute(_CLEAR, (ingest_id,))
    while _delete_last_batches(database, ingest_id):
        pass


def _delete_last_batches(database: Database, ingest_id: str) -> bool:
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT max(part) FROM shards WHERE ingest_id = %s", (ingest_id,)
        ).fetchone()
        if row is None or row[0] is None:
            return False
        part = max(0, row[0] + 1 - _PARTS_PER_TRANSACTION)
        before = connection.execute(
            "SELECT coalesce(sum(accepted + rejected), 0) FROM shards"
            " WHERE ingest_id = %s AND part < %s",
            (ingest_id, part),
        ).fetchone()
        record = int(before[0]) + 1 if before else 1
        deleted = delete_batches(connection, ingest_id, part, record)
        receipt = _locked_receipt(connection, ingest_id)
        receipt.removed.rows += deleted.rows
        receipt.removed.rejects += deleted.rejects
        receipt.removed.products += deleted.products
        connection.execute(_RECORD, (_json(receipt), ingest_id))
    return bool(part > 0)


def update_receipt(
    database: Database, ingest_id: str, change: Callable[[Receipt], object]
) -> Receipt:
    """Change the receipt of an ingest, in a transaction of its own."""
    with database.transaction() as connection:
        receipt = _locked_receipt(connection, ingest_id)
        change(receipt)
        connection.execute(_RECORD, (_json(receipt), ingest_id))
    return receipt


def finish(database: Database, ingest_id: str, change: Callable[[Receipt], object]) -> None:
    """Mark an ingest as undone, with the last change of its receipt."""
    with database.transaction() as connection:
        receipt = _locked_receipt(connection, ingest_id)
        receipt.undone_at = datetime.now(UTC)
        change(receipt)
        connection.execute(_FINISH, (_json(receipt), ingest_id))


def reopen(database: Database, ingest_id: str) -> None:
    """Make an undone ingest a new one, because its object was uploaded again."""
    with database.transaction() as connection:
        connection.execute(_REOPEN, (ingest_id,))


def _locked_receipt(connection: Connection, ingest_id: str) -> Receipt:
    row = connection.execute(
        "SELECT undo FROM ingests WHERE ingest_id = %s FOR UPDATE", (ingest_id,)
    ).fetchone()
    if row is None or row[0] is None:
        raise LookupError("the ingest is not being undone")
    return Receipt.model_validate(row[0])


def _json(receipt: Receipt) -> Jsonb:
    return Jsonb(receipt.model_dump(mode="json"))
