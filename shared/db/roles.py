"""The functions' database user: it may read and write rows, and owns nothing."""

from typing import LiteralString

import psycopg
from psycopg import sql

from shared.db.connection import Secret, connection_arguments
from shared.db.migrations import MIGRATION_LOCK
from shared.errors import UnavailableError

TABLE_PRIVILEGES: dict[str, LiteralString] = {
    "products": "SELECT, INSERT, UPDATE, DELETE",
    "reviews": "SELECT, INSERT, UPDATE, DELETE",
    "analyses": "SELECT, INSERT, UPDATE",
    "ingests": "SELECT, INSERT, UPDATE",
    "shards": "SELECT, INSERT, UPDATE, DELETE",
    "rejects": "SELECT, INSERT, DELETE",
    "picture_batches": "SELECT, INSERT, UPDATE, DELETE",
    "picture_opinions": "SELECT, INSERT, UPDATE, DELETE",
    "exclusions": "SELECT, INSERT, UPDATE, DELETE",
    "training_runs": "SELECT, INSERT, UPDATE",
    "training_keys": "SELECT, INSERT, DELETE",
    # written by triggers, as the owner
    "insight_changes": "SELECT, DELETE",
    "insight_models": "SELECT, INSERT, UPDATE",
    "review_facts": "SELECT, INSERT, UPDATE, DELETE",
    "product_days": "SELECT, INSERT, UPDATE, DELETE",
    "product_sources": "SELECT, INSERT, UPDATE, DELETE",
    "product_totals": "SELECT, INSERT, UPDATE, DELETE",
    "segment_days": "SELECT, INSERT, UPDATE, DELETE",
    "segment_totals": "SELECT, INSERT, UPDATE, DELETE",
    "arrivals": "SELECT, INSERT, UPDATE, DELETE",
    "text_changes": "SELECT, DELETE",  # written by triggers, as the owner
    "aspect_readings": "SELECT, INSERT, UPDATE",
    "aspect_mentions": "SELECT, INSERT, DELETE",
    "aspect_counts": "SELECT, INSERT, UPDATE, DELETE",
    "text_prints": "SELECT, INSERT, UPDATE",
    "duplicate_members": "SELECT, INSERT, DELETE",
    "near_texts": "SELECT, INSERT, UPDATE, DELETE",
    "duplicate_groups": "SELECT, INSERT, DELETE",
}
"""Privileges of the functions' user; a migration that adds a table adds its privileges here."""
_IAM_ROLE = "rds_iam"
"""Members of this role must connect with IAM; it exists only on RDS."""


def grant_access(secret: Secret, user: str) -> None:
    """Create a user with exactly TABLE_PRIVILEGES, or reset its privileges; run after migrations.

    The privileges are replaced in one transaction, so that concurrent work is not affected.

    On RDS the user connects with IAM. Since PostgreSQL 16 the owner, which creates the role, is a
    member of it and thereby of ``rds_iam``. RDS may then refuse the owner's password, so the owner
    must connect with IAM as well.

    Args:
        secret: credentials of the owner of the tables.
        user: name of the role; it gets no password.

    Raises:
        UnavailableError: the database does not answer.
    """
    name = sql.Identifier(user)
    try:
        with psycopg.connect(**connection_arguments(secret)) as connection:
            # roles belong to the whole server: the lock serialises two runs
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            if not _role_exists(connection, user):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            if _role_exists(connection, _IAM_ROLE):
                connection.execute(
                    sql.SQL("GRANT {} TO {}").format(sql.Identifier(_IAM_ROLE), name)
                )
            _grant(connection, name)
    except psycopg.OperationalError as error:
        raise UnavailableError("the database does not answer") from error


def _role_exists(connection: psycopg.Connection, role: str) -> bool:
    row = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    return row is not None


def _grant(connection: psycopg.Connection, name: sql.Identifier) -> None:
    database = sql.Identifier(connection.info.dbname)
    # temporary: collection stages each batch in a temporary table
    grant = "GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}"
    connection.execute(sql.SQL(grant).format(database, name))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
    connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name))
    for table, privileges in TABLE_PRIVILEGES.items():
        statement = sql.SQL("GRANT {} ON {} TO {}")
        connection.execute(statement.format(sql.SQL(privileges), sql.Identifier(table), name))
