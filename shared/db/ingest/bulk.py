"""The ledger's records of dumps that are read in ranges, by several workers at once.

They are in one column: the plan, what each finished range has counted, failures, and the time used.
"""

from typing import Any, LiteralString

from psycopg.types.json import Jsonb
from pydantic import BaseModel

from shared.db.connection import Database
from shared.db.ingest.outcomes import count_rows
from shared.errors import WaitingError
from shared.schemas.ingest import BulkProgress

_UPDATE: LiteralString = (
    "UPDATE ingests SET updated_at = now(), bulk = {} WHERE ingest_id = %s AND bulk ? 'plan'"
)


class BulkState(BaseModel):
    """The column ``ingests.bulk``."""

    plan: str = ""
    """Fingerprint of the reader, the mapping, and the rows of a batch."""
    ranges: int = 0
    parts: int = 0
    records: int = 0
    warnings: list[str] = []
    """What the plan noticed while it read the dump to its end."""
    done: dict[str, Any] = {}
    """For each finished range, what its rows have counted for warnings."""
    failed: dict[str, str] = {}
    """For each range that failed for good, why."""
    differs: bool = False
    """Whether a range was read differently before: all batches have to be deleted."""
    declined: str = ""
    """Why the dump is read in one run after another."""
    execution: str = ""
    """Name of the last execution of the state machine."""
    executions: int = 0
    rounds: int = 0
    """How often the last execution has planned."""
    gb_seconds: float = 0.0
    """Lambda time of all steps that ended."""


_USD_PER_GB_SECOND = 0.0000166667
"""Price of Lambda on x86."""


def bulk_state(database: Database, ingest_id: str) -> BulkState:
    """The state of an ingest; an empty one if nothing was planned."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT bulk FROM ingests WHERE ingest_id = %s", (ingest_id,)
        ).fetchone()
    return BulkState.model_validate(row[0]) if row and row[0] else BulkState()


def range_lock(ingest_id: str, number: int) -> str:
    """Name of the lock for reading a range (see Database.lock)."""
    return f"collect:{ingest_id}:{number}"


def require_no_reader(database: Database, ingest_id: str) -> None:
    """Make sure that no worker still reads a range of an ingest that is being undone.

    One that begins later finds that, and reads nothing.

    Raises:
        WaitingError: one is being read; deliver the message again.
    """
    for number in range(bulk_state(database, ingest_id).ranges):
        with database.lock(range_lock(ingest_id, number)) as acquired:
            if not acquired:
                raise WaitingError("a range of the object is still being read")


def bulk_progress(column: Any) -> BulkProgress | None:
    """What a report shows of the column; None unless the dump is read in ranges."""
    if not column or not column["ranges"]:
        return None
    state = BulkState.model_validate(column)
    return BulkProgress(
        ranges=state.ranges,
        ranges_stored=len(state.done),
        ranges_failed=len(state.failed),
        records=state.records,
        cost_usd=round(state.gb_seconds * _USD_PER_GB_SECOND, 6),
    )


def save_bulk(database: Database, ingest_id: str, state: BulkState) -> None:
    """Replace the state; only while no range is being read."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE ingests SET updated_at = now(), bulk = %s WHERE ingest_id = %s",
            (Jsonb(state.model_dump()), ingest_id),
        )


def forget_plan(database: Database, ingest_id: str, *, plan: str = "", declined: str = "") -> None:
    """Forget how an ingest was divided, but not what that has cost.

    Args:
        database: the ledger's.
        ingest_id: the ingest.
        plan: fingerprint with which it is not divided.
        declined: why it is not divided.
    """
    earlier = bulk_state(database, ingest_id)
    costs = {"executions": earlier.executions, "gb_seconds": earlier.gb_seconds}
    save_bulk(database, ingest_id, BulkState(plan=plan, declined=declined, **costs))


def record_range(database: Database, ingest_id: str, number: int, counted: Any) -> None:
    """Record that a range is read to its end, and what its rows have counted."""
    new = "jsonb_set(bulk #- ARRAY['failed', %s], ARRAY['done', %s], %s)"
    _update(database, ingest_id, new, (str(number), str(number), Jsonb(counted)))


def record_failed_range(database: Database, ingest_id: str, number: int, reason: str) -> None:
    """Record why a range cannot be read."""
    reason = reason.replace("\0", "\ufffd")
    new = "jsonb_set(bulk, ARRAY['failed', %s], %s)"
    _update(database, ingest_id, new, (str(number), Jsonb(reason)))


def record_difference(database: Database, ingest_id: str) -> None:
    """Record that a range was read differently before."""
    _update(database, ingest_id, "jsonb_set(bulk, '{differs}', 'true')", ())


def record_time(database: Database, ingest_id: str, gb_seconds: float) -> None:
    """Add the time of a step."""
    new = "jsonb_set(bulk, '{gb_seconds}', to_jsonb((bulk ->> 'gb_seconds')::float8 + %s))"
    _update(database, ingest_id, new, (gb_seconds,))


def stored_rows(database: Database, ingest_id: str) -> tuple[int, int]:
    """Accepted and rejected rows of an ingest so far; excluded rows do not count."""
    with database.transaction() as connection:
        return count_rows(connection, ingest_id)


def _update(
    database: Database, ingest_id: str, new: LiteralString, values: tuple[object, ...]
) -> None:
    with database.transaction() as connection:
        connection.execute(_UPDATE.format(new), (*values, ingest_id))
