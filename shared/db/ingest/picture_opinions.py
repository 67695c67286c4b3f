"""What the pictures of reviews say, by the fusion head of the model that embedded them."""

from collections.abc import Mapping
from typing import LiteralString

from shared.db.connection import Connection
from shared.schemas.sentiment import Side

_BATCH: LiteralString = """
WITH batch AS (
    SELECT r.review_id FROM picture_batches AS b JOIN reviews AS r ON r.ingest_id = b.ingest_id
    AND r.record BETWEEN b.first AND b.last AND r.picture_urls IS NOT NULL
    WHERE b.ingest_id = %(ingest)s AND b.first = %(first)s
)
"""
_FORGET = f"""{_BATCH}
DELETE FROM picture_opinions
WHERE review_id IN (SELECT review_id FROM batch) AND review_id <> ALL (%(ids)s)
"""  # noqa: S608 - a constant of this module
_STORE = f"""{_BATCH}
INSERT INTO picture_opinions AS o (review_id, ingest_id, sentiment)
SELECT review_id, %(ingest)s, sentiment
FROM batch JOIN unnest(%(ids)s::text[], %(sentiments)s::text[]) AS said (review_id, sentiment)
    USING (review_id)
ON CONFLICT (review_id) DO UPDATE
SET ingest_id = excluded.ingest_id, sentiment = excluded.sentiment
WHERE (o.ingest_id, o.sentiment) IS DISTINCT FROM (excluded.ingest_id, excluded.sentiment)
"""  # noqa: S608 - a constant of this module


def store_opinions(
    connection: Connection, ingest_id: str, first: int, opinions: Mapping[str, Side]
) -> None:
    """Replace the opinions of a batch; a review that it does not have is left out.

    Args:
        connection: the caller's transaction, in which no review of the batch goes.
        ingest_id: the ingest.
        first: the first record of the batch.
        opinions: what the pictures of a review say, by its id; reviews without a clear opinion are
            left out.
    """
    ids = sorted(opinions)
    sentiments = [opinions[each] for each in ids]
    values = {"ingest": ingest_id, "first": first, "ids": ids, "sentiments": sentiments}
    connection.execute(_FORGET, values)
    connection.execute(_STORE, values)
