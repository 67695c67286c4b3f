"""The batch store: accepted rows of one batch into PostgreSQL, exactly once.

COPY into a temporary table, then ``INSERT … ON CONFLICT DO NOTHING`` in the order of identities, so
that overlapping ingests wait for one another instead of deadlocking. A row belongs to the
(ingest, record) that stored it first; storing it again changes nothing. All column lists come from
shared/schemas/review.py.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pa_csv
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from shared.db.connection import Connection
from shared.schemas.ingest import Reject
from shared.schemas.review import (
    CLEAN_FIELDS,
    PRODUCT_FIELDS,
    STORED_FIELDS,
    FieldType,
    ReviewField,
)

_TYPES = {
    FieldType.IDENTIFIER: SQL('text COLLATE "C"'),
    FieldType.NAME: SQL("text"),
    FieldType.TEXT: SQL("text"),
    FieldType.REAL: SQL("real"),
    FieldType.COUNT: SQL("integer"),
    FieldType.POSITION: SQL("bigint"),
    FieldType.MOMENT: SQL("timestamptz"),
    FieldType.FLAG: SQL("boolean"),
    FieldType.URLS: SQL("text"),
}


def _each(template: SQL, fields: Iterable[ReviewField], separator: str = ", ") -> Composed:
    """A template for each field: {name} in staging, {column} in its table ({key} is a text)."""
    parts: list[Composable] = [
        template.format(
            name=Identifier(field.name),
            column=Identifier(field.sql_column),
            key=Literal(field.sql_column),
            type=_TYPES[field.type],
        )
        for field in fields
    ]
    return SQL(separator).join(parts)


_NAMES, _COLUMNS = SQL("{name}"), SQL("{column}")

_STAGING = SQL("CREATE TEMPORARY TABLE staging ({}) ON COMMIT DROP").format(
    _each(SQL("{name} {type}"), CLEAN_FIELDS)
)

# Rows that would change nothing are left out first: ON CONFLICT DO UPDATE locks every row it meets.
_PRODUCTS = SQL("""
INSERT INTO products AS p (product_id, {columns}, origins)
SELECT s.product_id, {staged}, jsonb_strip_nulls(jsonb_build_object({origins}))
FROM (
    SELECT product_id, {first} FROM staging WHERE product_id IS NOT NULL GROUP BY product_id
) AS s LEFT JOIN products AS known USING (product_id)
WHERE known.product_id IS NULL OR {adds}
ORDER BY s.product_id
ON CONFLICT (product_id) DO UPDATE SET {kept},
    origins = p.origins || jsonb_strip_nulls(jsonb_build_object({added}))
""").format(
    columns=_each(_COLUMNS, PRODUCT_FIELDS),
    origins=_each(
        SQL("{key}, CASE WHEN s.{name} IS NOT NULL THEN %(ingest)s::text END"), PRODUCT_FIELDS
    ),
    added=_each(
        SQL("{key}, CASE WHEN p.{column} IS NULL THEN excluded.origins ->> {key} END"),
        PRODUCT_FIELDS,
    ),
    staged=_each(SQL("s.{name}"), PRODUCT_FIELDS),
    first=_each(SQL("min({name}) AS {name}"), PRODUCT_FIELDS),
    adds=_each(SQL("(known.{column} IS NULL AND s.{name} IS NOT NULL)"), PRODUCT_FIELDS, " OR "),
    kept=_each(SQL("{column} = coalesce(p.{column}, excluded.{column})"), PRODUCT_FIELDS),
)

_REVIEWS = SQL("""
INSERT INTO reviews (ingest_id, {columns})
SELECT DISTINCT ON (review_id) %s, {names} FROM staging ORDER BY review_id, record
ON CONFLICT (review_id) DO NOTHING
RETURNING record
""").format(columns=_each(_COLUMNS, STORED_FIELDS), names=_each(_NAMES, STORED_FIELDS))

# Only where something was stored before: rows of an earlier delivery of this batch are its own.
_OWNED = """
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
    """Rows as COPY reads them, encoded ahead of time because that needs no connection."""

    count: int
    body: bytes


def copy_rows(table: pa.Table) -> CopyRows:
    """Encode rows of CLEAN_SCHEMA as CSV for COPY."""
    return CopyRows(table.num_rows, _as_csv(table))


def store_reviews(connection: Connection, ingest_id: str, rows: CopyRows) -> pa.Array:
    """Store the accepted rows of a batch in the transaction of ``connection``.

    Args:
        connection: the transaction; the caller commits.
        ingest_id: the ingest of the batch.
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
        cursor.execute(_PRODUCTS, {"ingest": ingest_id})
        cursor.execute(_REVIEWS, (ingest_id,))
        owned = [row[0] for row in cursor]
        if len(owned) < rows.count:
            owned = [row[0] for row in cursor.execute(_OWNED, (ingest_id,))]
    return pa.array(sorted(owned), pa.int64())


def store_rejects(connection: Connection, ingest_id: str, rejects: list[Reject]) -> None:
    """Store the rejects of a batch; one that is stored already stays."""
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
    """Replace what PostgreSQL cannot store: NULs and lone surrogates."""
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
