"""How much stored work is not finished, for /health and for the freshness of aspects."""

from datetime import UTC, datetime, timedelta

from psycopg.rows import dict_row

from shared.db.connection import Database
from shared.schemas.health import Backlog, Check, Health, worst_status

_STALLED = timedelta(hours=1)
"""Time without progress after which work needs a person; sweeps have repeated it meanwhile."""
_QUERY = """
WITH open_shards AS (
    SELECT ingest_id, rows, updated_at FROM shards WHERE model_version IS NULL AND rows > 0
), open_ingests AS (
    SELECT received_at, updated_at FROM ingests
    WHERE status IN ('received', 'collecting', 'collected')
       OR ingest_id IN (SELECT ingest_id FROM open_shards)
)
SELECT (SELECT coalesce(sum(rows), 0)::bigint FROM open_shards) AS reviews,
       (SELECT count(*) FROM open_shards) AS shards,
       (SELECT count(*) FROM open_ingests) AS ingests,
       (SELECT min(received_at) FROM open_ingests) AS oldest_ingest_at,
       greatest((SELECT max(updated_at) FROM open_ingests),
                (SELECT max(updated_at) FROM shards)) AS progress_at
"""
_MISSING = (
    "SELECT coalesce(sum(rows) FILTER (WHERE model_version IS NULL), 0)::bigint,"
    " coalesce(sum(rows), 0)::bigint FROM shards"
)


def read_backlog(database: Database) -> Backlog:
    """Count what is stored and not finished."""
    with database.transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERY).fetchone()
    return Backlog(**(row or {}))


def missing_warnings(database: Database) -> list[str]:
    """Say how many stored reviews are not processed, and so missing from aspects and duplicates.

    That is so while a dump is processed, and for all reviews after an upgrade or a change of model.
    """
    with database.transaction() as connection:
        row = connection.execute(_MISSING).fetchone()
    missing, stored = row or (0, 0)
    if not missing:
        return []
    return [f"{missing} of {stored} stored reviews are not in this answer yet; they are in process"]


def add_backlog(health: Health, database: Database) -> Health:
    """Add the backlog to the health of a service whose database answers."""
    if health.status == "unavailable":
        return health
    backlog = read_backlog(database)
    checks = {**health.checks, "backlog": _check(backlog, datetime.now(UTC))}
    update = {"checks": checks, "status": worst_status(checks), "backlog": backlog}
    return health.model_copy(update=update)


def _check(backlog: Backlog, now: datetime) -> Check:
    stalled_since = backlog.progress_at
    if not backlog.ingests or stalled_since is None or now - stalled_since < _STALLED:
        return Check()
    detail = (
        f"{backlog.ingests} ingests with {backlog.reviews} reviews have made no progress since"
        f" {stalled_since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    )
    return Check(status="degraded", detail=detail)
