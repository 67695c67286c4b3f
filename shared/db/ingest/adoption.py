"""Switches insights from the analyses of one model to those of another.

A review that is stored again loses its analyses, so the analyses show which shards a model has
analysed in their current state.
"""

from typing import LiteralString

from shared.db.connection import Connection
from shared.db.ingest.shards import LAST_RECORD, shard_message
from shared.schemas.messages import ProcessShard

# The shard of a review is the first of its ingest that ends at or after its record. Sorting ends
# and records together once avoids a range join, which would compare every pair.
_UNANALYSED: LiteralString = f"""
WITH ends AS (
    SELECT ingest_id, part, {LAST_RECORD} AS record FROM shards
), marks AS (
    SELECT ingest_id, record, part FROM ends
    UNION ALL
    SELECT r.ingest_id, r.record, NULL FROM reviews AS r WHERE NOT EXISTS (
        SELECT FROM analyses WHERE review_id = r.review_id AND model_version = %(version)s
    )
), placed AS (
    SELECT ingest_id, part IS NULL AS unanalysed,
           min(part) OVER (PARTITION BY ingest_id ORDER BY record DESC, part NULLS LAST
                           ROWS UNBOUNDED PRECEDING) AS part
    FROM marks
), unanalysed AS (SELECT DISTINCT ingest_id, part FROM placed WHERE unanalysed AND part IS NOT NULL)
"""  # noqa: S608 - a constant

_UNANALYSED_SHARDS: LiteralString = f"""{_UNANALYSED}
SELECT ingest_id, part, key, rows FROM shards JOIN unanalysed USING (ingest_id, part)
WHERE rows > 0 AND model_version IS NOT NULL ORDER BY ingest_id, part
"""  # noqa: S608 - constants of this module

_ADOPT: LiteralString = f"""{_UNANALYSED}
UPDATE shards SET model_version = %(version)s, updated_at = now()
WHERE rows > 0 AND model_version <> %(version)s
  AND (ingest_id, part) NOT IN (SELECT ingest_id, part FROM unanalysed)
"""  # noqa: S608 - as above


def processed_shards(connection: Connection) -> list[ProcessShard]:
    """All shards that any model has processed."""
    rows = connection.execute(
        "SELECT ingest_id, part, key, rows FROM shards"
        " WHERE rows > 0 AND model_version IS NOT NULL ORDER BY ingest_id, part"
    )
    return [shard_message(row) for row in rows]


def unanalysed_shards(connection: Connection, model_version: str) -> list[ProcessShard]:
    """The processed shards with a review that the given model has not analysed."""
    rows = connection.execute(_UNANALYSED_SHARDS, {"version": model_version})
    return [shard_message(row) for row in rows]


def adopt_shards(connection: Connection, model_version: str) -> int:
    """Mark the shards that a model has analysed as processed by it.

    Returns:
        How many shards were marked with another model before.
    """
    return connection.execute(_ADOPT, {"version": model_version}).rowcount


def activate_analyses(connection: Connection, model_version: str) -> int:
    """Make a model's analyses the newest ones, because insights use the newest analysis.

    Returns:
        The number of analyses.
    """
    return connection.execute(
        "UPDATE analyses SET analysed_at = now() WHERE model_version = %s", (model_version,)
    ).rowcount


def unprocessed_shards(connection: Connection, model_version: str) -> set[tuple[str, int]]:
    """(ingest id, part) of each shard that a model has not processed, except failed shards."""
    rows = connection.execute(
        "SELECT ingest_id, part FROM shards WHERE rows > 0 AND failed_at IS NULL"
        " AND model_version IS DISTINCT FROM %s",
        (model_version,),
    )
    return {(ingest_id, part) for ingest_id, part in rows}
