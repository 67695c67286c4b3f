"""The batch store: accepted rows of one batch into PostgreSQL, exactly once.

COPY into a temporary table, then ``INSERT … ON CONFLICT DO NOTHING`` in the order of identities, so
that overlapping ingests wait for one another instead of deadlocking. A row belongs to the
(ingest, record) that stored it first; asked again, the answer is the same.
"""

import io
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pa_csv

from shared.db.connection import Connection
from shared.schemas.ingest import Reject

_STAGING = """
CREATE TEMPORARY TABLE staging (
    review_id text COLLATE "C", record bigint, source text, product_id text COLLATE "C",
    product_title text, category text, reviewer_key text, rating real, title text, text text,
    original_text text, reviewed_at timestamptz, verified boolean, helpful_votes integer
) ON COMMIT DROP
"""

# Rows that would change nothing are left out first: ON CONFLICT DO UPDATE locks every row it meets.
_PRODUCTS = """
INSERT INTO products AS p (product_id, title, category)
SELECT s.product_id, s.title, s.category
FROM (
    SELECT product_id, min(product_title) AS title, min(category) AS category
    FROM staging WHERE product_id IS NOT NULL GROUP BY product_id
) AS s LEFT JOIN products AS known USING (product_id)
WHERE known.product_id IS NULL
   OR (known.title IS NULL AND s.title IS NOT NULL)
   OR (known.category IS NULL AND s.category IS NOT NULL)
ORDER BY s.product_id
ON CONFLICT (product_id) DO UPDATE
SET title = coalesce(p.title, excluded.title), category = coalesce(p.category, excluded.category)
"""

_REVIEWS = """
INSERT INTO reviews (review_id, ingest_id, record, source, product_id, reviewer_key, rating, title,
                     text, original_text, reviewed_at, verified, helpful_votes)
SELECT DISTINCT ON (review_id) review_id, %s, record, source, product_id, reviewer_key, rating,
       title, text, original_text, reviewed_at, verified, helpful_votes
FROM staging ORDER BY review_id, record
ON CONFLICT (review_id) DO NOTHING
RETURNING record
"""

# Only where something was there before: rows of an earlier delivery of this very batch are ours.
_OURS = """
SELECT r.record FROM staging AS s
JOIN reviews AS r ON r.review_id = s.review_id AND r.record = s.record
WHERE r.ingest_id = %s
"""

_REJECTS = """
INSERT INTO rejects (ingest_id, record, file, line, reason, detail, raw)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[])
ON CONFLICT (ingest_id, record) DO NOTHING
"""

_CSV = pa_csv.WriteOptions(include_header=False, quoting_style="needed")


@dataclass(frozen=True, slots=True)
class CopyRows:
    """Rows as COPY reads them; made ahead, for it is work that needs no connection."""

    count: int
    body: bytes


def copy_rows(table: pa.Table) -> CopyRows:
    """Spell rows of CLEAN_SCHEMA for store_reviews."""
    return CopyRows(table.num_rows, _as_csv(table))


def store_reviews(connection: Connection, ingest_id: str, rows: CopyRows) -> pa.Array:
    """Store the accepted rows of a batch in the transaction of ``connection``.

    Args:
        connection: the transaction; the caller commits.
        ingest_id: whose batch it is.
        rows: the rows.

    Returns:
        Sorted int64 array: the records that this ingest owns; the others are duplicates.
    """
    if not rows.count:
        return pa.array([], pa.int64())
    with connection.cursor() as cursor:
        cursor.execute(_STAGING)
        with cursor.copy("COPY staging FROM STDIN (FORMAT csv)") as copy:
            copy.write(rows.body)
        cursor.execute(_PRODUCTS)
        cursor.execute(_REVIEWS, (ingest_id,))
        owned = [row[0] for row in cursor]
        if len(owned) < rows.count:
            owned = [row[0] for row in cursor.execute(_OURS, (ingest_id,))]
    return pa.array(sorted(owned), pa.int64())


def store_rejects(connection: Connection, ingest_id: str, rejects: list[Reject]) -> None:
    """Store the rejects of a batch; one that is there already stays."""
    if rejects:
        columns = [
            [reject.record for reject in rejects],
            [_storable(reject.file) for reject in rejects],
            [reject.line for reject in rejects],
            [reject.reason.value for reject in rejects],
            [_storable(reject.detail) for reject in rejects],
            [_storable(reject.raw) for reject in rejects],
        ]
        connection.execute(_REJECTS, (ingest_id, *columns))


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL and no lone surrogate."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _as_csv(table: pa.Table) -> bytes:
    """CSV as COPY reads it: text is always quoted, so an empty one differs from a null."""
    sink = io.BytesIO()
    pa_csv.write_csv(table, sink, _CSV)
    body = sink.getvalue()
    if b"\0" in body:
        body = body.replace(b"\0", "\ufffd".encode())
    # before PostgreSQL 18 this ended the data even inside quotes
    return body.replace(b"\n\\.", b"\n \\.") if b"\n\\." in body else body
