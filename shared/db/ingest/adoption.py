"""Which shards a model has judged, and whose word counts once another model is current.

A review that is stored anew loses its analyses, so analyses tell which shards a model has judged
as they are now, whoever judged them and when.
"""

from typing import LiteralString

from shared.db.connection import Connection
from shared.db.ingest.shards import message_of
from shared.schemas.messages import ProcessShard

# The shard of a review is the first of its ingest that ends at its record or behind it. The ends
# and the records are sorted together once: a join by ranges would compare each with each.
_UNJUDGED = """
WITH ends AS (
    SELECT ingest_id, part,
           sum(accepted + rejected) OVER (PARTITION BY ingest_id ORDER BY part) AS record
    FROM shards
), marks AS (
    SELECT ingest_id, record, part FROM ends
    UNION ALL
    SELECT r.ingest_id, r.record, NULL FROM reviews AS r WHERE NOT EXISTS (
        SELECT FROM analyses WHERE review_id = r.review_id AND model_version = %(version)s
    )
), placed AS (
    SELECT ingest_id, part IS NULL AS unjudged,
           min(part) OVER (PARTITION BY ingest_id ORDER BY record DESC, part NULLS LAST
                           ROWS UNBOUNDED PRECEDING) AS part
    FROM marks
), unjudged AS (SELECT DISTINCT ingest_id, part FROM placed WHERE unjudged AND part IS NOT NULL)
"""

_LIST: LiteralString = f"""{_UNJUDGED}
SELECT ingest_id, part, key, rows FROM shards JOIN unjudged USING (ingest_id, part)
WHERE rows > 0 AND model_version IS NOT NULL ORDER BY ingest_id, part
"""  # noqa: S608 - constants of this module

_ADOPT: LiteralString = f"""{_UNJUDGED}
UPDATE shards SET model_version = %(version)s, updated_at = now()
WHERE rows > 0 AND model_version <> %(version)s
  AND (ingest_id, part) NOT IN (SELECT ingest_id, part FROM unjudged)
"""  # noqa: S608 - as above


def closed_shards(connection: Connection) -> list[ProcessShard]:
    """Every shard that some model has processed."""
    rows = connection.execute(
        "SELECT ingest_id, part, key, rows FROM shards"
        " WHERE rows > 0 AND model_version IS NOT NULL ORDER BY ingest_id, part"
    )
    return [message_of(row) for row in rows]


def unjudged_shards(connection: Connection, model_version: str) -> list[ProcessShard]:
    """Those of the closed shards with a review that a model has not judged."""
    rows = connection.execute(_LIST, {"version": model_version})
    return [message_of(row) for row in rows]


def adopt(connection: Connection, model_version: str) -> int:
    """Let the ledger say that a model processed what it has judged.

    Returns:
        How many shards another model had closed.
    """
    return connection.execute(_ADOPT, {"version": model_version}).rowcount


def let_count(connection: Connection, model_version: str) -> int:
    """Make a model's analyses the newest, which are what insights show.

    Returns:
        How many there are.
    """
    return connection.execute(
        "UPDATE analyses SET analysed_at = now() WHERE model_version = %s", (model_version,)
    ).rowcount


def behind(connection: Connection, model_version: str) -> set[tuple[str, int]]:
    """(ingest id, part) of each shard that a model has not processed, open ones among them."""
    rows = connection.execute(
        "SELECT ingest_id, part FROM shards WHERE rows > 0 AND model_version IS DISTINCT FROM %s",
        (model_version,),
    )
    return {(ingest_id, part) for ingest_id, part in rows}
