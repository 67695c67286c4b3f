"""Announces finished ingests: each end once, to EventBridge and in the log.

The ledger is the outbox. ``ingests.announced`` is the final status that was announced last, and an
end is due while the status is a final one and differs. It is set after the event was sent, so a
worker that dies in between, or whose answer is lost, leaves the end due: it is announced again with
the same ``ingest_id``, ``status`` and ``finished_at``. Nothing else repeats an event, and none is
lost. Only a new reading and failed shards that are tried again clear it: an ingest that another
model processes ends with the same status, which is no news.
"""

import logging
from typing import LiteralString

from shared.db.connection import Database
from shared.db.ingest.ledger import Ledger
from shared.errors import ReviewlensError
from shared.schemas.events import INGEST_FINISHED, IngestFinished
from shared.storage.events import EventBus

log = logging.getLogger(__name__)
_IS_DUE: LiteralString = (
    "status IN ('processed', 'processed_with_warnings', 'failed', 'undone')"
    " AND announced IS DISTINCT FROM status"
)
"""The condition of the index ingests_to_announce."""
_MAX_PER_SWEEP = 1_000


def announce(database: Database, ledger: Ledger, bus: EventBus | None, ingest_id: str) -> bool:
    """Announce the end of an ingest if it is due.

    What it cannot send now is logged and left to the sweep: the work itself is done.

    Returns:
        Whether it was announced by this call.
    """
    try:
        if not _is_due(database, ingest_id):
            return False
        with database.lock(f"announce:{ingest_id}") as acquired:
            return acquired and _send(database, ledger, bus, ingest_id)
    except ReviewlensError as error:
        log.warning("the end of %s is not announced yet: %s", ingest_id, error.message)
        return False


def announce_due(database: Database, ledger: Ledger, bus: EventBus | None) -> int:
    """Announce the ends that workers could not announce; returns their number."""
    with database.transaction() as connection:
        rows = connection.execute(
            f"SELECT ingest_id FROM ingests WHERE {_IS_DUE}"  # noqa: S608 - a constant
            " ORDER BY updated_at LIMIT %s",
            (_MAX_PER_SWEEP,),
        ).fetchall()
    return sum(announce(database, ledger, bus, row[0]) for row in rows)


def _is_due(database: Database, ingest_id: str) -> bool:
    with database.transaction() as connection:
        row = connection.execute(
            f"SELECT FROM ingests WHERE ingest_id = %s AND {_IS_DUE}",
            (ingest_id,),
        )
        return row.rowcount > 0


def _send(database: Database, ledger: Ledger, bus: EventBus | None, ingest_id: str) -> bool:
    report = ledger.report(ingest_id) if _is_due(database, ingest_id) else None
    if report is None or not report.status.is_final:  # another worker was faster
        return False
    event = IngestFinished.model_validate(
        report.model_dump(include=set(IngestFinished.model_fields))
    )
    if bus is not None:
        bus.put(INGEST_FINISHED, event)
    with database.transaction() as connection:
        # an end that came meanwhile stays due
        connection.execute(
            "UPDATE ingests SET announced = status WHERE ingest_id = %s AND status = %s"
            " AND finished_at IS NOT DISTINCT FROM %s",
            (ingest_id, report.status, report.finished_at),
        )
    fields = event.model_dump(mode="json", exclude={"version"})
    log.info("ingest %s ended: %s", ingest_id, report.status, extra=fields)
    return True
