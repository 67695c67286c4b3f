"""The user that the functions work as: it reads and writes rows, and owns nothing."""

from typing import LiteralString

import psycopg
from psycopg import sql

from shared.db.connection import Secret, connection_arguments
from shared.db.migrations import LOCK
from shared.errors import ReviewlensError, UnavailableError

RIGHTS: dict[str, LiteralString] = {
    "products": "SELECT, INSERT, UPDATE",
    "reviews": "SELECT, INSERT, UPDATE, DELETE",
    "analyses": "SELECT, INSERT, UPDATE",
    "ingests": "SELECT, INSERT, UPDATE",
    "shards": "SELECT, INSERT, UPDATE, DELETE",
    "rejects": "SELECT, INSERT, DELETE",
    "training_runs": "SELECT, INSERT, UPDATE",
    "training_keys": "SELECT, INSERT, DELETE",
    # triggers write it as the owner
    "insight_changes": "SELECT, DELETE",
    "insight_models": "SELECT, INSERT, UPDATE",
    "review_facts": "SELECT, INSERT, UPDATE, DELETE",
    "product_days": "SELECT, INSERT, UPDATE, DELETE",
    "product_sources": "SELECT, INSERT, UPDATE, DELETE",
    "product_totals": "SELECT, INSERT, UPDATE, DELETE",
    "segment_days": "SELECT, INSERT, UPDATE, DELETE",
    "segment_totals": "SELECT, INSERT, UPDATE, DELETE",
    "arrivals": "SELECT, INSERT, UPDATE, DELETE",
    "text_changes": "SELECT, DELETE",  # triggers write it as the owner
    "aspect_readings": "SELECT, INSERT, UPDATE",
    "aspect_mentions": "SELECT, INSERT, DELETE",
    "aspect_counts": "SELECT, INSERT, UPDATE, DELETE",
    "text_prints": "SELECT, INSERT, UPDATE",
    "duplicate_members": "SELECT, INSERT, DELETE",
    "near_texts": "SELECT, INSERT, UPDATE, DELETE",
    "duplicate_groups": "SELECT, INSERT, DELETE",
}
"""What the functions do with each table. A table that a migration adds gets its line here."""
_IAM = "rds_iam"
"""Whoever has this role on RDS connects by IAM alone; elsewhere there is no such role."""


def let_in(secret: Secret, user: str) -> None:
    """Make a user, or give it again just what RIGHTS says; to be called when all tables are there.

    The rights are replaced in one transaction, so whoever works meanwhile notices nothing.

    Args:
        secret: of the owner of the tables.
        user: name of the role; it gets no password.

    Raises:
        UnavailableError: the database does not answer.
        ReviewlensError: with these rights the owner itself could no longer connect.
    """
    name = sql.Identifier(user)
    try:
        with psycopg.connect(**connection_arguments(secret)) as connection:
            # roles belong to the whole server: two runners make them one after the other
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            if not _is_role(connection, user):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            guarded = _is_role(connection, _IAM)
            if guarded:
                connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(_IAM), name))
            _grant(connection, name)
            connection.commit()
            if guarded:
                _keep_the_owner_in(connection, secret, name)
    except psycopg.OperationalError as error:
        raise UnavailableError("the database does not answer") from error


def _keep_the_owner_in(
    connection: psycopg.Connection, secret: Secret, name: sql.Identifier
) -> None:
    """Take IAM away again where it would lock the owner out.

    Since PostgreSQL 16 whoever creates a role is a member of it, and so, one step further, of
    ``rds_iam``: a server that counts such members would refuse the owner's password from now on.
    """
    try:
        psycopg.connect(**connection_arguments(secret)).close()
    except psycopg.OperationalError as error:
        connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(_IAM), name))
        connection.commit()
        raise ReviewlensError(
            "with IAM for the functions' user the owner's password is refused: IAM was taken back"
        ) from error


def _is_role(connection: psycopg.Connection, role: str) -> bool:
    found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    return found is not None


def _grant(connection: psycopg.Connection, name: sql.Identifier) -> None:
    database = sql.Identifier(connection.info.dbname)
    # temporary: collection stages each batch in a table of its session
    rights = "GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}"
    connection.execute(sql.SQL(rights).format(database, name))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
    connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name))
    for table, allowed in RIGHTS.items():
        statement = sql.SQL("GRANT {} ON {} TO {}")
        connection.execute(statement.format(sql.SQL(allowed), sql.Identifier(table), name))
