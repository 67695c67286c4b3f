"""How much stored work is not finished, for /health and for the freshness of aspects."""

from datetime import UTC, datetime, timedelta
from typing import LiteralString

from psycopg.rows import dict_row

from shared.db.connection import Database
from shared.db.ingest.shards import OPEN_SHARD
from shared.schemas.health import Backlog, Check, Health, worst_status

_STALLED = timedelta(hours=1)
"""Time without progress after which work needs a person; sweeps have repeated it meanwhile."""
_QUERY: LiteralString = f"""
WITH open_shards AS (
    SELECT ingest_id, rows, updated_at FROM shards WHERE {OPEN_SHARD}
), open_ingests AS (
    SELECT received_at, updated_at FROM ingests
    WHERE status IN ('received', 'collecting', 'collected', 'undoing')
       OR ingest_id IN (SELECT ingest_id FROM open_shards)
)
SELECT (SELECT coalesce(sum(rows), 0)::bigint FROM open_shards) AS reviews,
       (SELECT count(*) FROM open_shards) AS shards,
       (SELECT count(*) FROM open_ingests) AS ingests,
       (SELECT min(received_at) FROM open_ingests) AS oldest_ingest_at,
       greatest((SELECT max(updated_at) FROM open_ingests),
                (SELECT max(updated_at) FROM shards)) AS progress_at
"""  # noqa: S608 - a constant
_FAILED: LiteralString = (
    "SELECT count(*), count(DISTINCT ingest_id) FROM shards WHERE failed_at IS NOT NULL"
)
_LATE: LiteralString = """
SELECT count(*) FROM exclusions WHERE status = 'removing'
  AND (receipt ->> 'requested_at')::timestamptz < now() - %s::interval
"""
_MISSING: LiteralString = (
    f"SELECT coalesce(sum(rows) FILTER (WHERE {OPEN_SHARD}), 0)::bigint,"  # noqa: S608 - a constant
    " coalesce(sum(rows) FILTER (WHERE failed_at IS NOT NULL), 0)::bigint,"
    " coalesce(sum(rows), 0)::bigint FROM shards"
)


def read_backlog(database: Database) -> Backlog:
    """Count what is stored and not finished."""
    with database.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERY).fetchone()
    return Backlog(**(row or {}))


def missing_warnings(database: Database) -> list[str]:
    """Say how many stored reviews are not processed, and so missing from aspects and duplicates.

    That is so while a dump is processed, for all reviews after an upgrade or a change of model, and
    for those of shards that failed.
    """
    with database.transaction() as connection:
        row = connection.execute(_MISSING).fetchone()
    open_rows, failed_rows, stored = row or (0, 0, 0)
    parts = {
        "are not in this answer yet; they are in process": open_rows,
        "are not in this answer: their shards failed (`reviewlens redrive`)": failed_rows,
    }
    return [f"{n} of {stored} stored reviews {what}" for what, n in parts.items() if n]


def add_backlog(health: Health, database: Database) -> Health:
    """Add the backlog to the health of a service whose database answers."""
    if health.status == "unavailable":
        return health
    backlog = read_backlog(database)
    checks = {
        **health.checks,
        "backlog": _check(backlog, datetime.now(UTC)),
        **_failed_shards(database),
        **_late_exclusions(database),
    }
    update = {"checks": checks, "status": worst_status(checks), "backlog": backlog}
    return health.model_copy(update=update)


def count_failed_shards(database: Database) -> tuple[int, int]:
    """Number of failed shards, and of the ingests that they belong to."""
    with database.transaction() as connection:
        row = connection.execute(_FAILED).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def _failed_shards(database: Database) -> dict[str, Check]:
    shards, ingests = count_failed_shards(database)
    if not shards:
        return {}
    detail = (
        f"{shards} shards of {ingests} ingests failed; GET /collect/{{ingest_id}} says why, and"
        " `reviewlens redrive` tries them again"
    )
    return {"failed_shards": Check(status="degraded", detail=detail)}


def _late_exclusions(database: Database) -> dict[str, Check]:
    with database.transaction() as connection:
        row = connection.execute(_LATE, (_STALLED,)).fetchone()
    if not row or not row[0]:
        return {}
    detail = (
        f"the rows of {row[0]} excluded reviewers or products are still being removed after an hour"
    )
    return {"exclusions": Check(status="degraded", detail=detail)}


def _check(backlog: Backlog, now: datetime) -> Check:
    stalled_since = backlog.progress_at
    if not backlog.ingests or stalled_since is None or now - stalled_since < _STALLED:
        return Check()
    detail = (
        f"{backlog.ingests} ingests with {backlog.reviews} reviews have made no progress since"
        f" {stalled_since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    )
    return Check(status="degraded", detail=detail)
