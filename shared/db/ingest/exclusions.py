"""The list of excluded reviewers and products, and the receipts of their removal."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from shared.db.connection import Connection, Database
from shared.db.ingest.ownership import lock_owners
from shared.errors import UnavailableError, WaitingError
from shared.schemas.exclusions import (
    ExcludedKeys,
    Exclusion,
    ExclusionKind,
    ExclusionReceipt,
    ExclusionStatus,
    exclusion_id_of,
)

_FIELDS: LiteralString = "exclusion_id, kind, subject, status, receipt"
_STATE = "SELECT count(*), coalesce(max(number), 0) FROM exclusions"
_PAGE: LiteralString = f"""
SELECT {_FIELDS} FROM exclusions
WHERE %(after)s::text IS NULL
   OR number < (SELECT number FROM exclusions WHERE exclusion_id = %(after)s)
ORDER BY number DESC LIMIT %(limit)s
"""  # noqa: S608 - a constant


def add_exclusion(database: Database, kind: ExclusionKind, subject: str) -> Exclusion:
    """Exclude a reviewer (its keyed hash) or a product, unless it is excluded."""
    exclusion_id = exclusion_id_of(kind, subject)
    receipt = ExclusionReceipt(requested_at=datetime.now(UTC))
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO exclusions (exclusion_id, kind, subject, status, receipt)"
            " VALUES (%s, %s, %s, 'removing', %s) ON CONFLICT (exclusion_id) DO NOTHING",
            (exclusion_id, kind, subject, _json(receipt)),
        )
    exclusion = find_exclusion(database, exclusion_id)
    if exclusion is None:
        raise UnavailableError("the exclusion was ended at the same time")
    return exclusion


def find_exclusion(database: Database, exclusion_id: str) -> Exclusion | None:
    """One exclusion; None if there is none."""
    with database.transaction() as connection:
        row = connection.execute(
            f"SELECT {_FIELDS} FROM exclusions WHERE exclusion_id = %s",  # noqa: S608 - a constant
            (exclusion_id,),
        ).fetchone()
    return _exclusion(row) if row else None


def list_exclusions(database: Database, limit: int, after: str | None) -> list[Exclusion]:
    """Exclusions, newest first; those that follow the exclusion ``after``."""
    with database.transaction() as connection:
        rows = connection.execute(_PAGE, {"after": after, "limit": limit})
        return [_exclusion(row) for row in rows]


def subject_of(database: Database, exclusion_id: str) -> str | None:
    """The value by which rows are recognised; None if there is no such exclusion."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT subject FROM exclusions WHERE exclusion_id = %s", (exclusion_id,)
        ).fetchone()
    return row[0] if row else None


def end_exclusion(database: Database, exclusion_id: str) -> bool:
    """Delete an exclusion whose rows are removed; returns whether there was one."""
    with database.transaction() as connection:
        deleted = connection.execute(
            "DELETE FROM exclusions WHERE exclusion_id = %s AND status = 'removed'",
            (exclusion_id,),
        )
    return deleted.rowcount > 0


def excluded_keys(database: Database) -> ExcludedKeys:
    """The keys that a reader leaves out."""
    with database.transaction() as connection:
        rows = connection.execute("SELECT kind, subject, number FROM exclusions").fetchall()
    reviewers, products = (
        frozenset(subject for each, subject, _ in rows if each == kind) for kind in ExclusionKind
    )
    state = (len(rows), max((number for _, _, number in rows), default=0))
    return ExcludedKeys(state, reviewers, products)


def require_unchanged(connection: Connection, keys: ExcludedKeys) -> None:
    """Make sure that a batch was read with the current list; call it with ``hold_owners``.

    Raises:
        WaitingError: the list has changed since; read the batch again.
    """
    row = connection.execute(_STATE).fetchone()
    if row != keys.state:
        raise WaitingError("the list of excluded reviewers and products has changed")


def wait_for_batches(database: Database) -> None:
    """Wait for the batches being stored; later ones are read with the current list."""
    with database.transaction() as connection:
        lock_owners(connection)


def unfinished_exclusions(database: Database, idle_seconds: float) -> list[str]:
    """Ids of the exclusions whose rows are being removed and were not worked on for a while."""
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT exclusion_id FROM exclusions WHERE status = 'removing'"
            " AND updated_at <= now() - make_interval(secs => %s) ORDER BY number",
            (idle_seconds,),
        )
        return [row[0] for row in rows]


def change_receipt(
    connection: Connection, exclusion_id: str, change: Callable[[ExclusionReceipt], object]
) -> ExclusionReceipt:
    """Change the receipt of an exclusion in the caller's transaction."""
    row = connection.execute(
        "SELECT receipt FROM exclusions WHERE exclusion_id = %s FOR UPDATE", (exclusion_id,)
    ).fetchone()
    if row is None:
        raise LookupError("there is no such exclusion")
    receipt = ExclusionReceipt.model_validate(row[0])
    change(receipt)
    connection.execute(
        "UPDATE exclusions SET receipt = %s, updated_at = now() WHERE exclusion_id = %s",
        (_json(receipt), exclusion_id),
    )
    return receipt


def update_receipt(
    database: Database, exclusion_id: str, change: Callable[[ExclusionReceipt], object]
) -> ExclusionReceipt:
    """Change the receipt of an exclusion, in a transaction of its own."""
    with database.transaction() as connection:
        return change_receipt(connection, exclusion_id, change)


def finish_removal(
    database: Database, exclusion_id: str, change: Callable[[ExclusionReceipt], object]
) -> None:
    """Record that everything is removed, with the last change of the receipt."""

    def finish(receipt: ExclusionReceipt) -> None:
        receipt.removed_at = datetime.now(UTC)
        change(receipt)

    with database.transaction() as connection:
        change_receipt(connection, exclusion_id, finish)
        connection.execute(
            "UPDATE exclusions SET status = 'removed' WHERE exclusion_id = %s", (exclusion_id,)
        )


def _exclusion(row: tuple[Any, ...]) -> Exclusion:
    exclusion_id, kind, subject, status, receipt = row
    return Exclusion(
        exclusion_id=exclusion_id,
        kind=ExclusionKind(kind),
        product_id=subject if kind == ExclusionKind.PRODUCT else None,
        status=ExclusionStatus(status),
        receipt=ExclusionReceipt.model_validate(receipt),
    )


def _json(receipt: ExclusionReceipt) -> Jsonb:
    return Jsonb(receipt.model_dump(mode="json"))
