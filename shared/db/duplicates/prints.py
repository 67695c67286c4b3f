"""Prints of review texts, used to detect copies."""

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
    """Write the prints of n distinct reviews; the caller commits."""
    band_arrays = ["{" + ",".join(map(str, numbers)) + "}" for numbers in bands]
    connection.execute(_UPSERT, (list(review_ids), list(fingerprints), band_arrays))
