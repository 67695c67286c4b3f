"""Deletes the rows of a reading that is replaced; other ingests store what they have in common.

A row that several ingests read belongs to the one that stored it first; the others count it as a
duplicate. When the owner is read differently, its rows and the facts that it gave to products are
deleted. The same transaction marks the batches that counted duplicates of it or have reviews of
these products. Once the owner has been read, the objects of marked batches are read again, and such
a batch also stores what is missing now. It deletes nothing, so this comes to an end.
"""

from collections.abc import Iterable
from typing import NamedTuple

from psycopg.sql import SQL, Identifier, Literal
from psycopg.types.json import Jsonb

from shared.db.connection import Connection, Database
from shared.db.ingest.runs import NO_RUN
from shared.db.ingest.shards import complete_ingest
from shared.schemas.review import PRODUCT_FIELDS

_LOCK = "hashtextextended('reviews: owners', 0)"
_OWNERS = (
    "SELECT DISTINCT r.ingest_id FROM staging AS s JOIN reviews AS r USING (review_id)"
    " WHERE r.ingest_id <> %s ORDER BY r.ingest_id"
)
_MARK = """
UPDATE shards SET recheck_after = %(owner)s FROM (
    SELECT ingest_id, part FROM shards WHERE ingest_id <> %(owner)s AND accepted > rows
      AND (duplicates_of IS NULL OR duplicates_of @> ARRAY[%(owner)s]) AND recheck_after IS NULL
    ORDER BY ingest_id, part FOR UPDATE
) AS dependent
WHERE shards.ingest_id = dependent.ingest_id AND shards.part = dependent.part
"""
_MARKED = """
SELECT key, etag FROM ingests AS i WHERE (status <> 'failed' OR %(failed)s) AND EXISTS (
    SELECT FROM shards AS s WHERE s.ingest_id = i.ingest_id
        AND (recheck_after = %(owner)s OR i.ingest_id = %(owner)s AND recheck_after IS NOT NULL)
) ORDER BY received_at, ingest_id
"""
_LOST = (
    "rows that another dump had stored were removed when it was read again; those that this dump "
    "has in common with it are no longer stored: "
)
_DELETE_REVIEWS = """
WITH deleted AS (
    DELETE FROM reviews WHERE ingest_id = %s AND record >= %s RETURNING product_id
)
SELECT count(*), coalesce(array_agg(DISTINCT product_id) FILTER (WHERE product_id IS NOT NULL),
                          '{}')
FROM deleted
"""
# a batch that still needs one is marked, and stores it again
_DELETE_PRODUCTS = """
DELETE FROM products WHERE product_id IN (
    SELECT product_id FROM products AS p WHERE product_id = ANY(%s)
      AND NOT EXISTS (SELECT FROM reviews AS r WHERE r.product_id = p.product_id)
    ORDER BY product_id FOR UPDATE
)
"""
_FORGET_FACTS = SQL("""
UPDATE products SET {facts}, origins = coalesce(
    (SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(origins)
     WHERE value <> %(owner)s::text),
    '{{}}')
WHERE product_id IN (
    SELECT product_id FROM products WHERE {owned} ORDER BY product_id FOR UPDATE
) RETURNING product_id
""").format(
    facts=SQL(", ").join(
        SQL("{0} = CASE WHEN origins ->> {1} = %(owner)s THEN NULL ELSE {0} END").format(
            Identifier(field.sql_column), Literal(field.sql_column)
        )
        for field in PRODUCT_FIELDS
    ),
    owned=SQL(" OR ").join(
        SQL("origins ->> {} = %(owner)s").format(Literal(field.sql_column))
        for field in PRODUCT_FIELDS
    ),
)
_MARK_PRODUCTS = """
UPDATE shards SET recheck_after = %(owner)s FROM (
    SELECT ingest_id, part FROM shards
    WHERE rows > 0 AND recheck_after IS NULL AND ingest_id IN (
        SELECT DISTINCT ingest_id FROM reviews WHERE product_id = ANY(%(products)s))
    ORDER BY ingest_id, part FOR UPDATE
) AS other
WHERE shards.ingest_id = other.ingest_id AND shards.part = other.part
"""


class Deleted(NamedTuple):
    """Numbers of deleted reviews, rejects, and products without any other review."""

    rows: int = 0
    rejects: int = 0
    products: int = 0


def hold_owners(connection: Connection) -> None:
    """Let no ingest delete rows until the transaction ends; call it before storing a batch."""
    connection.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")


def lock_owners(connection: Connection) -> None:
    """Wait for the batches being stored; let no other be stored until the transaction ends."""
    connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


def owners_of_duplicates(connection: Connection, ingest_id: str) -> list[str]:
    """The ingests that own the duplicates of the batch just stored (see store_reviews)."""
    return [row[0] for row in connection.execute(_OWNERS, (ingest_id,))]


def delete_batches(connection: Connection, ingest_id: str, part: int, record: int) -> Deleted:
    """Delete the batches of an ingest from ``part`` on, with their rejects and reviews.

    All later batches are deleted as well: their boundaries may differ this time, and a row that was
    stored for a later record may now belong to an earlier one. The facts of products that this
    ingest gave are deleted too, and so are products without a review. Batches that may have such
    rows and facts are marked.

    Args:
        connection: the transaction; the caller commits.
        ingest_id: the ingest; rows owned by other ingests stay.
        part: the first batch to delete.
        record: the first record of that batch.
    """
    exists = connection.execute(
        "SELECT FROM shards WHERE ingest_id = %s AND part >= %s LIMIT 1", (ingest_id, part)
    )
    if not exists.rowcount:
        return Deleted()  # the usual end of an ingest; the lock would stop all others for a moment
    lock_owners(connection)
    # shards first, in the same order as processing (see lock_batch)
    connection.execute("DELETE FROM shards WHERE ingest_id = %s AND part >= %s", (ingest_id, part))
    start = (ingest_id, record)
    rejects = connection.execute("DELETE FROM rejects WHERE ingest_id = %s AND record >= %s", start)
    connection.execute("DELETE FROM picture_batches WHERE ingest_id = %s AND last >= %s", start)
    reviews, products = connection.execute(_DELETE_REVIEWS, start).fetchone() or (0, [])
    if reviews:
        connection.execute(_MARK, {"owner": ingest_id})
    changed = [row[0] for row in connection.execute(_FORGET_FACTS, {"owner": ingest_id})]
    if changed:
        connection.execute(_MARK_PRODUCTS, {"owner": ingest_id, "products": changed})
    empty = delete_products(connection, {*products, *changed})
    return Deleted(reviews, rejects.rowcount, empty)


def delete_products(connection: Connection, product_ids: Iterable[str]) -> int:
    """Delete those of some products that have no review; the caller has called lock_owners."""
    return connection.execute(_DELETE_PRODUCTS, (list(product_ids),)).rowcount


def marked_objects(database: Database, ingest_id: str, *, failed: bool) -> list[tuple[str, str]]:
    """Objects (key, etag) to be read again: marked because of an ingest, or itself marked.

    Args:
        database: the ledger's.
        ingest_id: the ingest that has been read.
        failed: also those that failed; False if this one failed, as they could fail in turns.
    """
    with database.transaction() as connection:
        return connection.execute(_MARKED, {"owner": ingest_id, "failed": failed}).fetchall()


def is_marked(database: Database, ingest_id: str) -> bool:
    """Whether a batch of an ingest is marked."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM shards WHERE ingest_id = %s AND recheck_after IS NOT NULL)",
            (ingest_id,),
        ).fetchone()
    return bool(row and row[0])


def give_up(database: Database, ingest_id: str, reason: str) -> bool:
    """Keep a collected ingest as it is, with a warning: its object cannot be read any more.

    Returns:
        Whether an index build is due.
    """
    with database.transaction() as connection:
        connection.execute(
            "UPDATE shards SET recheck_after = NULL WHERE ingest_id = %s", (ingest_id,)
        )
        connection.execute(
            "UPDATE ingests SET status = 'collected', updated_at = now(),"  # noqa: S608 - a constant
            f" finished_at = now(), {NO_RUN}, warnings = warnings || %s WHERE ingest_id = %s",
            (Jsonb([_LOST + reason]), ingest_id),
        )
        return complete_ingest(connection, ingest_id)
