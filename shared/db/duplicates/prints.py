"""Prints of reviews' texts, from which copies are told."""

from collections.abc import Sequence
from typing import LiteralString

from shared.db.connection import Connection

_UPSERT: LiteralString = """
INSERT INTO text_prints (review_id, fingerprint, bands)
SELECT review_id, fingerprint, bands::bigint[]
FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS s (review_id, fingerprint, bands)
ORDER BY review_id
ON CONFLICT (review_id) DO UPDATE
SET fingerprint = excluded.fingerprint, bands = excluded.bands
WHERE (text_prints.fingerprint, text_prints.bands) <> (excluded.fingerprint, excluded.bands)
"""


def upsert_prints(
    connection: Connection,
    review_ids: Sequence[str],
    fingerprints: Sequence[int],
    bands: Sequence[Sequence[int]],
) -> None:
    """Write the prints of n reviews, each once; the caller commits."""
    spelled = ["{" + ",".join(map(str, each)) + "}" for each in bands]
    connection.execute(_UPSERT, (list(review_ids), list(fingerprints), spelled))
