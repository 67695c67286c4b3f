"""The ledger's records of runs: a dump that needs more than one goes on where the last one ended.

A checkpoint is stored in the transaction of the batch before it, so that a killed run loses no more
than the batches that it had not stored. Runs are counted before they start, and the count begins
again with every batch: after too many runs that stored nothing, the ingest is failed. A run that
failed because a dependency did not answer is counted apart, with a far higher limit.
"""

from typing import LiteralString, NamedTuple

from shared.db.connection import Connection, Database
from shared.errors import ConflictError
from shared.schemas.ingest import IngestStatus

_OUTAGES_PER_ATTEMPT = 20
NO_RUN: LiteralString = "checkpoint = NULL, attempts = 0, outages = 0"
"""SET clause of an ingest that is read to its end, or failed."""


class Run(NamedTuple):
    """A run that begins: the checkpoint (JSON) of the last one, and earlier runs in vain."""

    checkpoint: str | None
    attempts: int
    outages: int

    def is_hopeless(self, max_attempts: int) -> bool:
        """Whether too many runs have stored nothing."""
        most_outages = max_attempts * _OUTAGES_PER_ATTEMPT
        return self.attempts >= max_attempts or self.outages >= most_outages


def begin_run(database: Database, ingest_id: str) -> Run:
    """Count a run that is going to read an object."""
    with database.transaction() as connection:
        row = connection.execute(
            "UPDATE ingests SET attempts = attempts + 1 WHERE ingest_id = %s"
            " RETURNING checkpoint, attempts - 1, outages",
            (ingest_id,),
        ).fetchone()
    return Run(*row) if row else Run(None, 0, 0)


def record_outage(database: Database, ingest_id: str) -> None:
    """Record that a dependency made the run fail: the fault is hardly in the object."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE ingests SET attempts = greatest(attempts - 1, 0), outages = outages + 1"
            " WHERE ingest_id = %s",
            (ingest_id,),
        )


def record_progress(connection: Connection, ingest_id: str, checkpoint: str | None) -> None:
    """Record a batch: the next run goes on after it, or where it would have if this is None.

    Raises:
        ConflictError: the upload is being undone, so nothing more may be stored of it.
    """
    row = connection.execute(
        "UPDATE ingests SET updated_at = now(), attempts = 0, outages = 0,"
        " checkpoint = coalesce(%s, checkpoint) WHERE ingest_id = %s RETURNING status",
        (checkpoint, ingest_id),
    ).fetchone()
    if row is not None and row[0] == IngestStatus.UNDOING:
        raise ConflictError("the upload is being undone")
